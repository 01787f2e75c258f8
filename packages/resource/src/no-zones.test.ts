import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'

// A runtime may be built without the data of time zones. Its process is another one, since `Intl` belongs to the whole of it.

const program = fileURLToPath(new URL('../dist/no-zones.test.child.js', import.meta.url))

async function resource(zones: 'with' | 'without'): Promise<unknown> {
  return JSON.parse((await promisify(execFile)(process.execPath, [program, zones])).stdout)
}

test(verifies('policy.hours.no-zones', 'a resource without time zones starts, and no window is open'), async () => {
  const others = ['resources', 'scopes', 'purposes', 'until', 'calls', 'chain', 'data', 'arguments', 'approval']
  const [all, fewer] = await Promise.all([resource('with'), resource('without')])
  expect(all).toMatchObject({ none: 'passes', hours: 'passes' })
  expect(new Set((all as { listed: string[] }).listed)).toEqual(new Set([...others, 'hours']))
  expect(fewer).toMatchObject({ none: 'passes', hours: '403 condition_malformed' })
  expect(new Set((fewer as { listed: string[] }).listed)).toEqual(new Set(others))
}, 60_000)
