import { tmpdir } from 'node:os'
import { type ChainCheck, checkChain } from '../../src/certificates/chain-check.ts'
import { type RevocationList, readRevocationLists } from '../../src/certificates/revocation-list.ts'
import { readMaterial } from '../../src/encoding/input-material.ts'
import type { SampleChain } from './chains.ts'

/** The chain check of a sample, whose anchors are `client-ca-bundle`. */
export function checkSample(
  { leaf, others, anchors, lists }: SampleChain,
  mode: 'enforce' | 'warn' = 'enforce',
): Promise<ChainCheck> {
  return checkChain({
    leaf: leaf.certificate,
    others: others.map(({ certificate }) => certificate),
    key: leaf.keys.privateKey,
    clientAnchors: anchors.map(({ certificate }) => certificate),
    serverAnchors: undefined,
    revocationLists: lists && readLists(lists),
    mode,
    expiryWarningDays: 30,
    expiryErrorDays: 0,
    now: new Date(),
  })
}

/** As they come out of `client-crl`, in PEM. */
export function readLists(lists: readonly Buffer[]): readonly RevocationList[] {
  return readRevocationLists(readMaterial('client-crl', listsPem(lists), { workspace: tmpdir() }))
}

export function listsPem(lists: readonly Buffer[]): string {
  return lists.map(listPem).join('')
}

function listPem(der: Buffer): string {
  const body = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN X509 CRL-----\n${body}\n-----END X509 CRL-----\n`
}
