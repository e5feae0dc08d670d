/** What V8 is told for a process that lives for seconds; each has to come before what it is about is compiled. */
const FLAGS = [
  // undici's HTTP parser is WebAssembly. Behind some 400 bytes of answers V8 begins to compile it anew, for speed that few
  // answers have no use for: 40 ms and 30 MB on another core, and no process ends before it is done.
  '--wasm-tiering-budget=1000000000',
  // V8's middle compiler takes what was called 400 times, on another core that the server or the next job may need too. A
  // run of many files is through before that has paid; a page of many thousand links is not, and still gets there.
  '--invocation-count-for-maglev=4000',
  // Two milliseconds of a run would go into making regular expressions faster that run once.
  '--no-regexp-peephole-optimization',
] as const

/** Makes V8 do less in advance. To be called once, first of all. */
export function tuneEngine(): void {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8')
  for (const flag of FLAGS) setFlagsFromString(flag)
}
