import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Distribution } from '../../../src/distributions/distribution.ts'
import { ProgressMeter } from '../../../src/report/progress-meter.ts'
import { openDistribution } from '../../support/open-distribution.ts'

const opened: { remove(): void }[] = []
after(() => {
  for (const one of opened) one.remove()
})

function files(...sizes: number[]): Distribution[] {
  return sizes.map((size, index) => {
    const one = openDistribution({ version: `1.${index}`, bytes: Buffer.alloc(size) })
    opened.push(one)
    return one.distribution
  })
}

function meterOf(distributions: readonly Distribution[]): ProgressMeter {
  const meter = new ProgressMeter()
  meter.expect(distributions, 0)
  return meter
}

describe('the line of progress', () => {
  it('says what is waited for before it is known what is to be sent, and nothing where that is nothing', () => {
    const meter = new ProgressMeter()
    assert.deepEqual(meter.lines(10_000), ['waiting for the simple index'])
    meter.expect([], 10_000)
    assert.deepEqual(meter.lines(20_000), [])
  })

  it('has files, bytes, speed and the time that is left', () => {
    const [first, second, third] = files(4_000, 4_000, 12_000)
    assert.ok(first && second && third)
    const meter = meterOf([first, second, third])
    meter.sent(first, 4_300, 5_000)
    meter.ended(first)
    meter.sent(second, 1_000, 10_000)
    assert.deepEqual(meter.lines(10_000), ['1 of 3 files, 5.0 kB of 20.0 kB, 500 bytes/s, about 30 s left'])
  })

  it('counts from when it is known what is to be sent: lookups before it are no time of the uploads', () => {
    const [only] = files(4_000)
    assert.ok(only)
    const meter = new ProgressMeter()
    meter.expect([only], 60_000)
    meter.sent(only, 1_000, 62_000)
    assert.deepEqual(meter.lines(62_000), ['0 of 1 file, 1.0 kB of 4.0 kB, 500 bytes/s, about 6 s left'])
  })

  it('forgets what a try sent in vain, and counts a file that needed no sending', () => {
    const [first, second] = files(1_000, 1_000)
    assert.ok(first && second)
    const meter = meterOf([first, second])
    meter.sent(first, 900, 100)
    meter.sent(first, 500, 200)
    meter.ended(second)
    assert.deepEqual(meter.lines(1_000), ['1 of 2 files, 1.5 kB of 2.0 kB, 1.5 kB/s, about 1 s left'])
  })

  it('says what is waited for when everything is sent', () => {
    const [only] = files(10)
    assert.ok(only)
    const meter = meterOf([only])
    meter.sent(only, 10, 1)
    meter.ended(only)
    assert.deepEqual(meter.lines(10_000), ['everything is sent; waiting for the index to list it'])
  })

  it('names a file that stands still, once a silence, and where it stands', () => {
    const [first, second] = files(4_000, 1_000)
    assert.ok(first && second)
    const meter = meterOf([first, second])
    meter.sent(first, 2_000, 0)
    meter.sent(second, 1_300, 0)
    assert.equal(meter.lines(19_999).length, 1)
    assert.deepEqual(meter.lines(20_000).slice(1), [
      `${first.file}: nothing moved for 20 s, after 2.0 kB of 4.0 kB`,
      `${second.file}: everything was sent, and the index has not answered for 20 s`,
    ])
    assert.equal(meter.lines(30_000).length, 1)
    meter.sent(first, 100, 30_000)
    assert.equal(meter.lines(50_000).length, 2)
  })
})
