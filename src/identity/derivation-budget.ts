/**
 * In rounds of PKCS#12's own function: about eight seconds. Checking two forms of the password and opening certificates
 * and key of a PKCS#12 file with the most iterations takes no more.
 */
const MOST_ROUNDS = 8_000_000

/** How much key derivation one input may ask for: a hostile or damaged one can ask for days, in one key or in hundreds. */
export class DerivationBudget {
  #rounds = 0

  /** Takes so many rounds; false: that is more than is left. */
  afford(rounds: number): boolean {
    this.#rounds += rounds
    return this.#rounds <= MOST_ROUNDS
  }
}
