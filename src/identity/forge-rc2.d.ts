/** The parts of node-forge that open RC2: loading them alone takes a fraction of the time that the whole package takes. */
declare module 'node-forge/lib/rc2.js' {
  import type { ByteBuffer } from 'node-forge/lib/util.js'

  interface Rc2Decipher {
    /** One character a byte, as all strings here. */
    start(iv: string): void
    update(input: ByteBuffer): void
    /** What `unpad` answers, with the output as it stands. */
    finish(unpad: () => boolean): boolean
    readonly output: ByteBuffer
  }

  const rc2: { createDecryptionCipher(key: string, effectiveBits: number): Rc2Decipher }
  export default rc2
}

declare module 'node-forge/lib/util.js' {
  export interface ByteBuffer {
    getBytes(): string
  }

  const util: { createBuffer(bytes: string): ByteBuffer }
  export default util
}
