/** What build and signing steps put beside distributions. Case does not count: people name these by hand. */
const SIDE_FILES: readonly RegExp[] = [
  /\.attestation$/i,
  /\.sigstore/i,
  /\.asc$/i,
  // SHA256SUMS, demo-1.0.tar.gz.sha256, sha512sums.txt, checksums.txt, checksums-sha256.txt
  /(?:^|[._-])(?:(?:sha-?(?:1|224|256|384|512)|md5|b2|blake2b?|blake3)(?:sums?)?|checksums?)(?:\.(?:txt|json))?$/i,
  // demo.spdx.json, demo.cdx.xml, bom.json, sbom.json
  /\.(?:spdx|cdx)(?:\.[a-z]+)?$|(?:^|[._-])bom(?:[._-]|$)|sbom/i,
]

/** What uv (.gitignore), macOS (._demo.whl) and half-finished downloads leave behind, whatever its extension. */
export function isHidden(file: string): boolean {
  return file.startsWith('.')
}

/**
 * Whether a base name is that of a file that may lie beside distributions: an attestation, a signature, checksums, a
 * bill of materials. Asked only of what has no distribution's extension: a project may well be called sbom.
 */
export function isSideFile(file: string): boolean {
  return SIDE_FILES.some((form) => form.test(file))
}
