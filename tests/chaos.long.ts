import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { temporaryFolder } from '@countersign/testing/folders'
import { requireRig, rigAway } from '@countersign/testing/rig/program'
import { expect, test } from 'vitest'
import { type Finished, root, runNode } from './processes.fixture.js'

// The rig of `npm run chaos`: real servers under load, that are killed, stopped and lied to while clients remember every acknowledgement.

requireRig('postgres', 'pg_basebackup', 'redis-server')
const why = rigAway('postgres', 'pg_basebackup', 'redis-server')
const on = test.skipIf(why !== '')
const folder = temporaryFolder()

interface Report {
  readonly minutes: number
  readonly counts: Readonly<{ [name: string]: number }>
  readonly faults: ReadonlyArray<{ readonly faults: string }>
  readonly violations: ReadonlyArray<{ readonly invariant: string; readonly what: string }>
}

async function chaos(...args: readonly string[]): Promise<Report> {
  const history = join(folder, `${args.join('-').replaceAll(/\W+/g, '-')}.jsonl`)
  const ended: Finished = await runNode([join(root, 'chaos/dist/run.js'), '--json', '--history', history, ...args])
  // The seed, and how each round went.
  console.log(ended.stderr)
  expect(ended.stdout, ended.stderr).not.toBe('')
  return JSON.parse(ended.stdout)
}

on(verifies('F-61', 'F-75', `three minutes of faults by a fixed seed break no promise${why}`), async () => {
  const first =
    'kill-auth,kill-gateway,postgres-failover,postgres-deaf,redis-kill,network-cut,memory-auth,clock-ahead-auth'
  const report = await chaos('--seed', '1', '--minutes', '3', '--faults', first)
  expect(report.violations, JSON.stringify(report.violations)).toEqual([])
  expect(report.counts['grants acknowledged']).toBeGreaterThan(50)
  expect(report.faults.length).toBeGreaterThan(3)
})

on(`a minute of faults with a Redis Cluster that loses masters breaks no promise${why}`, async () => {
  const faults = ['--redis', 'cluster', '--faults', 'cluster-kill,cluster-stop']
  const report = await chaos('--seed', '187359608', '--minutes', '1', ...faults)
  expect(report.violations, JSON.stringify(report.violations)).toEqual([])
})

on(`what is broken on purpose breaks all that a sabotage names, and nothing else${why}`, async () => {
  const report = await chaos('--seed', '3', '--minutes', '0', '--sabotage', 'all')
  const { stdout } = await runNode([join(root, 'chaos/dist/run.js'), '--list'])
  const named = [...stdout.matchAll(/^--sabotage .*; must fail: (.*)$/gm)].flatMap(([, all = '']) => all.split(', '))
  expect(new Set(report.violations.map(({ invariant }) => invariant))).toEqual(new Set(named))
})
