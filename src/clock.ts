/**
 * Milliseconds of a time that only goes on, whatever happens to the machine's clock. Not `performance.now()`: its module
 * takes a millisecond to load, at every start.
 */
export function monotonicNow(): number {
  return process.uptime() * 1000
}
