import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { stand } from '../processes.fixture.js'
import { isLong } from '../tier.fixture.js'
import { inGroups, judge, withVerdict } from './judged.fixture.js'
import { resourceMutants } from './mutants.fixture.js'
import { expectSeen } from './seen-mutant.fixture.js'
import { startSite } from './site.fixture.js'
import { bearerRoutes, siteRoutes } from './site-offers.fixture.mjs'

// A guard of ours as a process, and the suite as its users run it. ours.long.ts judges all guards.

const place = stand()
afterAll(() => place.stop())

test('a guard on Node conforms, and two runs with one seed give the same verdicts', async () => {
  const { url, configuration } = await startSite(place, 'node')
  const args = ['resource', url, '--seed', '7']
  const some = isLong ? [] : inGroups('jwt', 'calls', 'answers', 'other-members')
  const first = await judge(place, [...args, ...some], configuration)
  expect(withVerdict(first.checks, 'failed')).toEqual([])
  expect(withVerdict(first.checks, 'warning')).toEqual([])
  expect(first).toMatchObject({ code: 0, checks: { conforms: true } })
  expect(first.checks.counts['passed']).toBeGreaterThan(isLong ? 330 : 30)
  if (isLong) {
    expect(withVerdict(first.checks, 'skipped')).toEqual(['DSC-20: it waits for 31 s: --slow runs it'])
    expect(withVerdict(first.checks, 'not applicable')).toEqual([
      'cors.preflight: corsOrigin is not declared',
      'cors.exposed: corsOrigin is not declared',
      'sig.authority.several: authorities is not declared',
      'DEL-39: the resource lets no calls of a grant pass: its counts may not last',
      'policy.calls.grant: the resource lets no calls of a grant pass: its counts may not last',
      'mcp.route-holds: closedMcp is not declared',
    ])
  }
  const second = await judge(place, [...args, ...inGroups('jwt', 'calls')], configuration)
  for (const [id, verdict] of Object.entries(second.checks.verdicts))
    expect([id, verdict]).toEqual([id, first.checks.verdicts[id]])
}, 300_000)

test('a guard with two authorities and CORS conforms', async () => {
  const [other, corsOrigin] = ['other.localhost:4000', 'http://app.example']
  const { url, configuration } = await startSite(place, 'node', { more: [other, corsOrigin] })
  const args = [
    'resource',
    url,
    '--only',
    'sig.authority.several',
    '--only',
    'COV-22',
    '--only',
    'COV-25',
    '--only',
    'cors.preflight',
    '--only',
    'cors.exposed',
  ]
  const offered = { ...configuration, routes: [...siteRoutes, ...bearerRoutes] }
  const { code, checks } = await judge(place, args, { ...offered, authorities: [other], corsOrigin })
  expect(checks.counts).toMatchObject({ failed: 0, 'not applicable': 0 })
  expect(code).toBe(0)
})

test('a failure that was expected and does not come any more fails the run', async () => {
  const { url, configuration } = await startSite(place, 'node')
  const expected = join(place.folder, 'stale.txt')
  writeFileSync(expected, 'TIM-01 # it took requests without created\n')
  const ended = await judge(
    place,
    ['resource', url, '--only', 'TIM-01', '--expected-failures', expected],
    configuration,
  )
  expect(ended).toMatchObject({ code: 1, checks: { conforms: false } })
  expect(ended.stdout).toContain('expected to fail, and did not: TIM-01')
})

test('a route that declares no operation names none, and a report says so where it names one', async () => {
  const { url, configuration } = await startSite(place, 'node')
  const routes = [
    'authorized GET /events scope events.read',
    'authorized POST /cancellations scope events.write',
    { route: 'authorized POST /invitations scope events.write', operation: 'invite' },
  ]
  const args = ['resource', url, '--only', 'policy.approval']
  const { checks } = await judge(place, args, { ...configuration, routes })
  expect(withVerdict(checks, 'failed')).toEqual([
    expect.stringContaining(
      'POST /cancellations, an unsafe request: its route declares no operation, and so names none',
    ),
  ])
})

test('a resource that refuses everything does not pass: its cases could not decide', async () => {
  const { url, configuration } = await startSite(place, 'node')
  const strange = { ...configuration, routes: ['pseudonymous GET /nowhere'] }
  const { code, checks } = await judge(place, ['resource', url, '--group', 'covered'], strange)
  expect(code).toBe(1)
  expect(checks.counts['passed']).toBe(0)
  expect(withVerdict(checks, 'failed')[0]).toMatch(/could not decide: the control was not accepted/)
})

test.each(resourceMutants.slice(0, 1))('a resource that lacks $lacks does not pass', mutant =>
  expectSeen('resource', mutant, own => startSite(own, 'node', { mutant })),
)
