import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { postgresForTests } from '../../packages/store/src/postgres.test.fixture.js'
import { slowWay } from '../../packages/store/src/slow-postgres.test.fixture.js'
import { countingPlaces, crowd, type Standing } from './counted-first.fixture.js'
import { authBursts, authInstances } from './counted-first-auth.fixture.js'
import { agentInstances, agentServerBursts, memoryBursts, redisBursts } from './counted-first-others.fixture.js'

// Check, await, then count: all of a crowd checks before any of it counts, and passes. Every place where something is counted or
// can be had once is found in the source and must be known here, with a crowd that shows its bound.

const postgres = await postgresForTests(2)
afterAll(() => postgres.drop())
const slow = await slowWay(1)
afterAll(() => slow.close())
const folder = mkdtempSync(join(tmpdir(), 'countersign-counted-first-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const redis = process.env['COUNTERSIGN_REDIS'] ?? 'redis://127.0.0.1:6379'
const isRedisThere = await new Promise<boolean>(resolve => {
  const { hostname, port } = new URL(redis)
  const socket = connect(Number(port || 6379), hostname, () => resolve(socket.end() !== undefined))
  socket.on('error', () => resolve(false))
})

const passes = (why: string): Standing => ({ passes: why })
const bursts = (...names: string[]): Standing => ({ bursts: names })
const sync: Standing = { sync: true }

const known: Readonly<Record<string, Standing>> = {
  'agent/exchange/exchanging-agent.ts': passes('redeems at the auth server, which lets a code be redeemed once'),
  'agent/exchange/provider.ts': passes('counts in the line that checks, before it awaits'),
  'agent-server/delegate/delegate-key.ts': bursts('keys that follow one key'),
  'agent-server/delegate/delegates.ts': bursts('ends of a delegate', 'returns of a delegate'),
  'agent-server/enrollment/codes.ts': bursts('uses of an enrolment code'),
  'agent-server/key/key-shelf.ts': bursts('next keys of an agent server'),
  'agent-server/restore.ts': passes('says how much an operator has ended'),
  'agent-server/enrollment/used-proof.ts': bursts('uses of a proof', 'proofs of one delegate'),
  'auth-server/consent/consent.ts': bursts('pages that one user is shown'),
  'auth-server/grant/consents.ts': passes('says how many rows a sweep has deleted'),
  'auth-server/bound/counts.ts': bursts('device-code guesses'),
  'auth-server/exchange/links.ts': bursts('users that one upstream user is linked to'),
  'auth-server/grant/grants.ts': bursts('uses of a grant that ends', 'grants of one agent, at two instances'),
  'auth-server/bound/guesses.ts': bursts('device-code guesses'),
  'auth-server/login/browser-session.ts': bursts('browsers in which one user is signed in'),
  'auth-server/pages/claimed-logo.ts': passes(
    'a fetch is noted in the turn that checks for room, before it is awaited',
  ),
  'auth-server/pages/page-limit.ts': sync,
  'auth-server/bound/rate-limit.ts': sync,
  'auth-server/token/redemption-store.ts': bursts(
    'redemptions of a code',
    'redemptions of a device code',
    'redemptions of the code of an exchange',
  ),
  'auth-server/bound/request-quota.ts': bursts('requests of one delegate'),
  'auth-server/consent/requests.ts': bursts('browsers of one request', 'decisions of one request'),
  'resource/guard/limit-checks.ts': passes('asks a counter, which counts as it answers'),
  'resource/limit/counter.ts': bursts('requests at a limit in memory'),
  'resource/guard/decision.ts': sync,
  'resource/downstream/downstream.ts': passes('asks a counter, which counts as it answers'),
  'resource/guard/failures.ts': sync,
  'resource/downstream/interaction-sessions.ts': bursts(
    'browsers of one interaction',
    'returns of one interaction',
    'uses of the code of an interaction',
  ),
  'resource/downstream/interaction.ts': passes('asks a counter, which counts as it answers'),
  'resource/oauth/token-rows.ts': bursts('OAuth tokens in place of those that were read'),
  'resource/limit/redis-counter.ts': bursts('requests at a limit in Redis'),
  'resource/guard/resource-token.ts': passes('asks a counter, which counts as it answers'),
  'cli/commands/gateway/report.ts': passes("reads an operator's own log"),
  'discovery/cached-document.ts': passes('counts who waits in the turn that checks'),
  'discovery/bounded-cache.ts': sync,
  'discovery/slots.ts': sync,
  'httpsig/explain/repair.ts': passes('bounds its own work on one message'),
  'httpsig/replay/redis-shared-script.ts': passes('counts what is pending in the turn that checks'),
  'httpsig/key/verify-key-cache.ts': passes('a cache: what does not fit is not kept'),
  'mcp/transport/call-streams.ts': sync,
  'mcp/endpoint.ts': passes('a request begins in the turn that checks'),
  'mcp/bridge/questions.ts': sync,
  'mcp/session/sessions.ts': sync,
  'mcp/rules/uri-forms.ts': sync,
  'protocol/error.ts': sync,
  'protocol/internal/shared-map.ts': sync,
  'resource/limit/spent-counts.ts': sync,
  'store/groups.ts': passes('what waits is noted in the turn that checks'),
  'store/postgres.ts': passes('what waits is noted in the turn that checks'),
  'store/restore.ts': passes('says how much an operator has ended'),
  'store/turns.ts': sync,
  'store/write-queue.ts': passes('what waits is noted in the turn that checks'),
}

/** Subjects without a word in the source that would tell them. */
const more = [
  'callbacks of one question at an agent',
  'answers to a code in memory',
  'requests with one signature',
  'requests with one signature, in Redis',
]

const all = { ...authBursts, ...agentServerBursts, ...memoryBursts, ...redisBursts }
const found = countingPlaces()

describe('the source', () => {
  test('every place that counts, or gives something once, is known here', () => {
    const unknown = found.filter(({ file }) => !Object.hasOwn(known, file))
    expect(unknown.map(({ file, signals }) => `${file}: ${signals.join(', ')}`)).toEqual([])
  })

  test('nothing is known here that is not there', () => {
    const files = found.map(({ file }) => file)
    expect(Object.keys(known).filter(file => !files.includes(file))).toEqual([])
    const named = Object.values(known).flatMap(standing => ('bursts' in standing ? standing.bursts : []))
    named.push(...more)
    expect(named.filter(name => !Object.hasOwn(all, name))).toEqual([])
    expect(Object.keys(all).filter(name => !named.includes(name))).toEqual([])
  })

  test('what is said to run in one turn awaits nothing', () => {
    const awaiting = found.filter(({ file, text }) => 'sync' in (known[file] ?? {}) && /\bawait\b/.test(text))
    expect(awaiting.map(({ file }) => file)).toEqual([])
  })
})

describe(`of ${crowd} at once, at two instances, on PostgreSQL 1 ms away${postgres.away}`, () => {
  for (const [name, { most, act }] of Object.entries(authBursts)) {
    test.skipIf(postgres.away !== '')(name, { timeout: 60_000 }, async () => {
      expectBound(await act(await authPlace()), most)
    })
  }
  for (const [name, { most, act }] of Object.entries(agentServerBursts)) {
    test.skipIf(postgres.away !== '')(name, { timeout: 60_000 }, async () => {
      expectBound(await act(await agentPlace()), most)
    })
  }
})

describe(`of ${crowd} at once, at one instance`, () => {
  for (const [name, { most, act }] of Object.entries(memoryBursts)) {
    test(name, async () => expectBound(await act(undefined), most))
  }
})

describe(`of ${crowd} at once, at two instances, in Redis${isRedisThere ? '' : ' (skipped: no Redis answers)'}`, () => {
  for (const [name, { most, act }] of Object.entries(redisBursts)) {
    test.skipIf(!isRedisThere)(name, async () => expectBound(await act(redis), most))
  }
})

/** The bound holds, and something passes: what refuses all of a crowd proves nothing. */
function expectBound(passed: number, most: number): void {
  expect(passed).toBeLessThanOrEqual(most)
  expect(passed).toBeGreaterThan(0)
  // One that may be had once is had by one, whatever else is refused.
  if (most === 1) expect(passed).toBe(1)
}

const authPlace = once(() => authInstances(slow.through(postgres.newUrl())))
const agentPlace = once(() => agentInstances(slow.through(postgres.newUrl())))
const opened: Array<{ close(): Promise<void> }> = []
afterAll(() => Promise.all(opened.map(place => place.close())))

function once<T extends { close(): Promise<void> }>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return async () => {
    if (made === undefined) {
      made = make()
      opened.push(await made)
    }
    return made
  }
}
