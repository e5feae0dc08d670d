/**
 * Why a PKCS#12 file does not open, before it is known which input it came from. `damaged`: its structure; `password`:
 * not with this one; `unsupported`: the message goes on from the file's name (`is encrypted with ...`).
 */
export class Pkcs12Fault extends Error {
  readonly reason: 'damaged' | 'password' | 'unsupported'

  constructor(reason: 'damaged' | 'password' | 'unsupported', message: string) {
    super(message)
    this.name = 'Pkcs12Fault'
    this.reason = reason
  }
}

export function damaged(message: string): Pkcs12Fault {
  return new Pkcs12Fault('damaged', message)
}

export function unsupported(message: string): Pkcs12Fault {
  return new Pkcs12Fault('unsupported', message)
}
