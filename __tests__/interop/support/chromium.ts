/** What Chromium makes of a page of ours: `scripts/chromium.mjs` finds the program and starts it without a network. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { cleanEnvironment } from './environment.ts'
import { actionDir } from './programs.ts'
import { mustRun } from './run-program.ts'

export type Scheme = 'light' | 'dark'

export interface Diagram {
  /** `drawn` or `failed`; `''`: the page's script did not come to it. */
  readonly state: string
  /** The drawing, or the error. */
  readonly content: string
}

/** The page's document, as HTML, when its scripts are done. */
export async function loadPage(page: URL, scheme: Scheme, home: string): Promise<string> {
  // Blink's own number for the scheme that the reader prefers.
  const preference = `--blink-settings=preferredColorScheme=${scheme === 'dark' ? 0 : 1}`
  const script = path.join(actionDir, 'scripts', 'chromium.mjs')
  return mustRun(process.execPath, [script, preference, '--dump-dom', page.href], {
    cwd: home,
    env: { ...cleanEnvironment(home), CI: 'true' },
    limitMs: 120_000,
  })
}

export function diagramsOf(document: string): Diagram[] {
  const places = document.split('<div class="diagram"').slice(1)
  return places.map((place) => {
    const [, state = ''] = /^[^>]*data-state="(\w+)"/.exec(place) ?? []
    const [content = ''] = place.split(/<h3[ >]|<\/article>/)
    return { state, content }
  })
}

/** Elements and attributes by which something happens or is loaded; text has its `<` escaped. */
const ACTING =
  /<(?:a|img|script|iframe|form|input|button|image|use)\b|<[^>]*\s(?:href|xlink:href|on\w+)=|<[^>]*clickable/g

/** Nodes of a flowchart, and what a reader could click in it or be led away by. */
export function shapeOf({ state, content }: Diagram): { nodes: number; edges: number; acting: string[] } {
  assert.equal(state, 'drawn', content.slice(0, 500))
  return {
    nodes: content.match(/<g [^>]*class="node /g)?.length ?? 0,
    edges: content.match(/<path [^>]*class="[^"]*flowchart-link/g)?.length ?? 0,
    acting: content.match(ACTING) ?? [],
  }
}

/** What a reader sees of it, without blanks and line ends, which depend on the fonts of the machine. */
export function textOf({ content }: Diagram): string {
  const text = content.replace(/<style[\s\S]*?<\/style>|<[^>]*>/g, '').replace(/[\s\u200c]+/g, '')
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&nbsp;', '').replaceAll('&amp;', '&')
}
