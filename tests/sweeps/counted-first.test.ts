import { postgresForTests } from '@countersign/testing/postgres'
import { redisUrl } from '@countersign/testing/redis'
import { listens } from '@countersign/testing/services'
import { slowWay } from '@countersign/testing/slow-postgres'
import { afterAll, describe, expect, test } from 'vitest'
import { countingPlaces, crowd, type Standing } from './counted-first.fixture.js'
import { accountBursts } from './counted-first-accounts.fixture.js'
import { authBursts, authInstances } from './counted-first-auth.fixture.js'
import { agentInstances, agentServerBursts, memoryBursts, redisBursts } from './counted-first-others.fixture.js'

// Check, await, then count: all of a crowd checks before any of it counts, and passes. Every place where something is counted or
// can be had once is found in the source and must be known here, with a crowd that shows its bound.

const postgres = await postgresForTests(2)
const slow = await slowWay(1)

const redis = redisUrl
const isRedisThere = await listens(Number(new URL(redis).port || 6379))

const passes = (why: string): Standing => ({ passes: why })
const bursts = (...names: string[]): Standing => ({ bursts: names })
const sync: Standing = { sync: true }

const known: Readonly<Record<string, Standing>> = {
  'agent/exchange/exchanging-agent.ts': passes('redeems at the auth server, which lets a code be redeemed once'),
  'agent/exchange/provider.ts': passes('counts in the line that checks, before it awaits'),
  'agent-server/delegate/delegate-key.ts': bursts('keys that follow one key'),
  'agent-server/delegate/delegates.ts': bursts('ends of a delegate', 'returns of a delegate'),
  'agent-server/enrollment/codes.ts': bursts('uses of an enrolment code'),
  'agent-server/enrollment/used-proof.ts': bursts('uses of a proof', 'proofs of one delegate'),
  'audit/report/report-to.ts': passes('asks for its share in the turn that it is told of an event'),
  'audit/report/shares.ts': sync,
  'auth-server/users/sweep-people.ts': passes('says how many rows a sweep has deleted'),
  // The changes of operators run one after another, under one lock; a link is good for one browser.
  'console/operator/operator-admins.ts': bursts('browsers by one admin link'),
  'auth-server/restore.ts': passes('says how much an operator has ended'),
  'auth-server/approval/answer.ts': bursts('answers to one question'),
  'auth-server/approval/ask.ts': bursts('open questions of one delegate'),
  'auth-server/approval/history.ts': passes(
    'shows a user how many questions wait, and says how many rows a sweep has deleted',
  ),
  'auth-server/approval/stops.ts': passes('says whether an agent had been told to stop'),
  'auth-server/request/claim-row.ts': bursts('browsers of one request'),
  'user-desk/consent/consent.ts': bursts('pages that one user is shown'),
  'auth-server/grant/consents.ts': passes('says how many rows a sweep has deleted'),
  'auth-server/revocation/end-approvals.ts': passes(
    'ends a question, or else the answer that came first: either way nothing is had of it',
  ),
  'auth-server/revocation/notices.ts': passes('says how many rows a sweep has deleted'),
  'auth-server/bound/counts.ts': bursts('device-code guesses'),
  'auth-server/engine/authzen.ts': passes('a question is counted in the turn that checks for room'),
  'auth-server/exchange/links.ts': bursts('users that one upstream user is linked to'),
  'auth-server/grant/grant-writer.ts': bursts('uses of a grant that ends', 'grants of one agent, at two instances'),
  'auth-server/grant/grants.ts': bursts('uses of a grant that ends', 'grants of one agent, at two instances'),
  'user-desk/consent/guesses.ts': bursts('device-code guesses'),
  'user-desk/account/invitations.ts': bursts('accounts by one link'),
  'console/operator/operator-context.ts': passes('the changes of operators run one after another, under one lock'),
  'console/operator/operator-users.ts': passes('shows an operator how many sessions and grants there are'),
  'user-desk/login/identities.ts': bursts('users that one account at a provider is linked to', 'last ways to sign in'),
  'user-desk/passkey/passkey-store.ts': bursts('answers to one challenge', 'passkeys of one user'),
  'auth-server/users/users.ts': passes('says whether there is such a user'),
  'user-desk/login/browser-session.ts': bursts('browsers in which one user is signed in'),
  'user-desk/pages/claimed-logo.ts': passes('a fetch is noted in the turn that checks for room, before it is awaited'),
  'user-desk/pages/page-limit.ts': sync,
  'auth-server/bound/rate-limit.ts': sync,
  'auth-server/token/redemption-store.ts': bursts(
    'redemptions of a code',
    'redemptions of a device code',
    'redemptions of the code of an exchange',
  ),
  'auth-server/bound/request-quota.ts': bursts('requests of one delegate'),
  'auth-server/request/requests.ts': bursts('browsers of one request', 'decisions of one request'),
  'resource/guard/call-checks.ts': passes('asks a counter, which counts as it answers'),
  'resource/guard/limit-checks.ts': passes('asks a counter, which counts as it answers'),
  'resource/limit/counter.ts': bursts('requests at a limit in memory'),
  'resource/limit/memory-calls.ts': bursts('calls under a condition in memory'),
  'resource/guard/decision.ts': sync,
  'resource/downstream/downstream.ts': passes('asks a counter, which counts as it answers'),
  'resource/guard/failures.ts': sync,
  'resource/downstream/interaction-sessions.ts': bursts(
    'browsers of one interaction',
    'returns of one interaction',
    'uses of the code of an interaction',
  ),
  'redis/resource/interactions.ts': bursts(
    'browsers of one interaction in Redis',
    'returns of one interaction in Redis',
    'uses of the code of an interaction in Redis',
  ),
  'resource/downstream/interaction.ts': passes('asks a counter, which counts as it answers'),
  'resource/oauth/token-rows.ts': bursts('OAuth tokens in place of those that were read'),
  'redis/resource/counter.ts': bursts('requests at a limit in Redis', 'calls under a condition in Redis'),
  'resource/guard/resource-token.ts': passes('asks a counter, which counts as it answers'),
  'cli/commands/audit/audit-input.ts': passes('reads a file of the user at this machine'),
  'cli/commands/gateway/report.ts': passes("reads an operator's own log"),
  'discovery/cached-document.ts': passes('counts who waits in the turn that checks'),
  'discovery/bounded-cache.ts': sync,
  'discovery/slots.ts': sync,
  'httpsig/explain/repair.ts': passes('bounds its own work on one message'),
  'redis/servers/shared-script.ts': passes('counts what is pending in the turn that checks'),
  'httpsig/key/verify-key-cache.ts': passes('a cache: what does not fit is not kept'),
  'mcp/transport/call-streams.ts': sync,
  'mcp-sdk1/answer-request.ts': passes('a request begins in the turn that checks'),
  'mcp-sdk1/bridge/questions.ts': sync,
  'mcp-sdk1/bridge/changes.ts': passes('a resource is noted in the turn that checks'),
  'mcp-sdk1/bridge/listeners.ts': passes('a subscription is noted in the turn that checks'),
  'mcp-sdk1/bridge/old-client.ts': passes('a question is noted in the turn that checks'),
  'mcp-sdk1/session/sessions.ts': sync,
  'auth-server/telemetry.ts': passes('a gauge of what waits, which decides nothing'),
  'mcp/rules/uri-forms.ts': sync,
  'protocol/error.ts': sync,
  'protocol/reason/access-reasons.ts': passes('a table of names'),
  'protocol/reason/condition-reasons.ts': passes('a table of names'),
  'protocol/reason/user-reasons.ts': passes('a table of names'),
  'protocol/internal/shared-map.ts': sync,
  'resource/limit/spent-counts.ts': sync,
  'store/groups.ts': passes('what waits is noted in the turn that checks'),
  'store/open-own-keys.ts': passes('says how much an operator has ended'),
  'store/own-key-rows.ts': bursts('next keys of an agent server'),
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

const all = { ...authBursts, ...accountBursts, ...agentServerBursts, ...memoryBursts, ...redisBursts }
// The conformance suite and its peers belong to one run: nothing of them is open to strangers.
const found = countingPlaces().filter(({ file }) => !file.startsWith('conformance/'))

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

  test('a function registered as running in one turn awaits nothing', () => {
    const awaiting = found.filter(({ file, text }) => 'sync' in (known[file] ?? {}) && /\bawait\b/.test(text))
    expect(awaiting.map(({ file }) => file)).toEqual([])
  })
})

describe(`of ${crowd} at once, at two instances, on PostgreSQL 1 ms away${postgres.away}`, () => {
  for (const [name, { most, act }] of Object.entries({ ...authBursts, ...accountBursts })) {
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
