/** A body that is no page of a simple index, or not all of one. */
export class PageFault extends Error {
  /** What was found in place of it: end of a sentence, printable. */
  readonly found: string
  /** It breaks off: another try may bring all of it. */
  readonly truncated: boolean

  constructor(found: string, truncated = false) {
    super(`expected a page of a simple index and found ${found}`)
    this.name = 'PageFault'
    this.found = found
    this.truncated = truncated
  }
}
