/** Draws bench/RESULTS.md for the README: `npm run bench:chart` writes docs/images/bench.svg. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

interface Bar {
  readonly client: string
  readonly seconds: number
}

interface Group {
  readonly title: string
  readonly bars: readonly Bar[]
}

const ROOT = path.dirname(import.meta.dirname)

/** The tables of the page: its first two columns are the client and the median of its seconds. */
export function groupsOf(page: string): readonly Group[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = ''] = section.split('\n')
      const rows = [...section.matchAll(/^\| ([^|]+?) \| ([\d.]+) \|/gm)]
      return { title, bars: rows.map(([, client = '', seconds]) => ({ client, seconds: Number(seconds) })) }
    })
}

const WIDTH = 760
/** Where bars begin, and how long the longest one is: its number stands behind it. */
const LEFT = 290
const LONGEST = 390
const BAR = 13
const ROW = 19
const TITLE = 30

/** Each group has a scale of its own: its slowest client is as long as there is room. */
export function chartOf(groups: readonly Group[]): string {
  const parts = [`<text x="0" y="14">Median of the time from start to end, less is better</text>`]
  let y = 16
  for (const { title, bars } of groups) {
    y += TITLE
    parts.push(`<text class="title" x="0" y="${y - 8}">${escaped(title)}</text>`)
    const slowest = Math.max(...bars.map(({ seconds }) => seconds))
    for (const { client, seconds } of bars) {
      const length = Math.max(1, (seconds / slowest) * LONGEST)
      const kind = client.startsWith('this action') ? 'ours' : client.startsWith('curl') ? 'floor' : 'peer'
      parts.push(
        `<text x="${LEFT - 10}" y="${y + BAR - 2}" text-anchor="end">${escaped(client)}</text>`,
        `<rect class="${kind}" x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2"/>`,
        `<text x="${(LEFT + length + 6).toFixed(1)}" y="${y + BAR - 2}">${shown(seconds)}</text>`,
      )
      y += ROW
    }
  }
  const label = groups.map(({ title }) => title).join('; ')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 4}" role="img" aria-label="Seconds to publish, less is better: ${escaped(label)}">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; fill: #24292f }
.ours { fill: #0969da } .peer { fill: #8c959f } .floor { fill: #d0d7de }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 } .title { fill: #f0f6fc }
  .ours { fill: #4493f8 } .peer { fill: #656c76 } .floor { fill: #3d444d }
}
</style>
${parts.join('\n')}
</svg>
`
}

function shown(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

if (import.meta.main) {
  const groups = groupsOf(readFileSync(path.join(ROOT, 'bench', 'RESULTS.md'), 'utf8'))
  writeFileSync(path.join(ROOT, 'docs', 'images', 'bench.svg'), chartOf(groups))
}
