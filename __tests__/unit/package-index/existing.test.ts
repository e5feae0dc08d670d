import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { mixtureWarning } from '../../../src/package-index/existing.ts'
import { resultOf, type There } from '../../../src/package-index/outcome.ts'
import { openDistribution } from '../../support/open-distribution.ts'

const wheel = openDistribution()
const sdist = openDistribution({ file: 'demo-1.0.tar.gz' })
after(() => {
  wheel.remove()
  sdist.remove()
})

function warning(there?: There): string | undefined {
  const published = resultOf(sdist.distribution, { outcome: 'published' })
  return mixtureWarning([resultOf(wheel.distribution, { outcome: 'skipped', ...(there && { there }) }), published])
}

describe('the warning about a mixture of two builds', () => {
  it('is for a file that was skipped because of other bytes, beside one that was added', () => {
    assert.match(
      warning('other') ?? '',
      /^demo 1\.0 on the index becomes a mixture of two builds: demo-1\.0-py3-none-any\.whl/,
    )
  })

  it('is not for one that nobody compared: it may be of the same build', () => {
    for (const there of ['unknown', undefined] as const) assert.equal(warning(there), undefined)
  })
})
