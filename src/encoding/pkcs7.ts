import { childrenOf, contentOf, elementAt, TAG } from './der.ts'

/** 1.2.840.113549.1.7.2, as it stands in the bytes. */
const SIGNED_DATA = '2a864886f70d010702'

/**
 * DER of each certificate of a PKCS#7 bundle (RFC 2315, 9.1; RFC 5652, 5.1): content type, then [0] with SignedData,
 * whose own first [0] holds the certificates. Undefined where the bytes are something else or damaged.
 */
export function certificatesOfPkcs7(bytes: Buffer): readonly Buffer[] | undefined {
  const outer = elementAt(bytes, 0)
  const [type, wrapper] = (outer && childrenOf(bytes, outer)) ?? []
  if (type === undefined || contentOf(bytes, type).toString('hex') !== SIGNED_DATA) return undefined
  const [signedData] = (wrapper && childrenOf(bytes, wrapper)) ?? []
  const fields = signedData && childrenOf(bytes, signedData)
  if (fields === undefined) return undefined
  const set = fields.find(({ tag }) => tag === TAG.context0)
  const members = set === undefined ? [] : childrenOf(bytes, set)
  return members?.filter(({ tag }) => tag === TAG.sequence).map(({ start, end }) => bytes.subarray(start, end))
}
