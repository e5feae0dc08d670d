/**
 * The part of node-forge's ASN.1 reader that is used here. The package's own types know it only as a part of the whole,
 * whose loading takes five times as long as that of this one file.
 */
declare module 'node-forge/lib/asn1.js' {
  export interface Asn1Node {
    /** 0x00 universal, 0x80 context-specific. */
    readonly tagClass: number
    /** The tag's number. */
    readonly type: number
    /** One character a byte, or what is inside. */
    readonly value: string | readonly Asn1Node[]
  }

  interface Asn1Reader {
    /** Throws an Error of its own for anything that is not one complete element. */
    fromDer(bytes: string, options: { strict: true; parseAllBytes: true; decodeBitStrings: false }): Asn1Node
    derToOid(bytes: string): string
    toDer(node: Asn1Node): { getBytes(): string }
  }

  const asn1: Asn1Reader
  export default asn1
}
