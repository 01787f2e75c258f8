import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { expect, test } from 'vitest'
import { migrations, type RequestRow, room, type Tables } from '../tables/tables.js'
import { readAgain, readRequest } from './read-request.js'
import { requestsIn } from './requests.js'

const upstream = {
  iss: 'https://one.example',
  sub: 'ada',
  scope: ['events.read'],
  exp: 1,
  act: { iss: 'i', agent: 'a' },
}

const none = { redirect_uri: '', state: null, user_code: null, answer: null, operation: null } as const
const common: Omit<RequestRow, keyof typeof none | 'upstream' | 'upstream_user'> = {
  request_hash: 'h',
  id: 'r1',
  agent: 'https://agent.example',
  agent_delegate: '',
  scope: 'events.read',
  resource: 'https://calendar.example',
  purpose: null,
  purposes: null,
  txn: null,
  login_hint: null,
  peer: null,
  created: 1,
  expires: 601,
  browser: null,
  user_sub: null,
  granted_scope: null,
  claims: null,
  status: 'pending',
  code_secret: null,
  site: null,
  words: null,
  conditions: null,
  delegation: null,
}

const row: RequestRow = { ...common, ...none, upstream: null, upstream_user: null }
const callback = 'https://app.example/callback'

test.each<[name: string, columns: Partial<RequestRow>, read: object]>([
  [
    'access, by browser',
    { redirect_uri: callback },
    { kind: 'access', way: 'browser', redirect_uri: callback, state: null },
  ],
  ['access, by device', { user_code: 'BCDFGHJK' }, { kind: 'access', way: 'device', user_code: 'BCDFGHJK' }],
  [
    'a call, by browser',
    { redirect_uri: callback, state: 's', operation: 'q' },
    { kind: 'call', way: 'browser', redirect_uri: callback, state: 's', operation: 'q', upstream: undefined },
  ],
  [
    'a call, by device',
    { user_code: 'BCDFGHJK', operation: 'q' },
    { kind: 'call', way: 'device', user_code: 'BCDFGHJK', operation: 'q', upstream: undefined },
  ],
  [
    'a call, by inbox',
    { answer: 'inbox', operation: 'q' },
    { kind: 'call', way: 'inbox', operation: 'q', upstream: undefined },
  ],
  [
    'a call in an exchange',
    { redirect_uri: callback, operation: 'q', upstream: JSON.stringify(upstream) },
    { kind: 'call', way: 'browser', redirect_uri: callback, state: null, operation: 'q', upstream },
  ],
  [
    'an exchange',
    { redirect_uri: callback, upstream: JSON.stringify(upstream), upstream_user: 'ada' },
    { kind: 'exchange', way: 'browser', redirect_uri: callback, state: null, upstream, upstream_user: 'ada' },
  ],
])('a row is read as %s, with the members of that alone', (_, columns, read) => {
  expect(readRequest({ ...row, ...columns })).toStrictEqual({ ...common, ...read })
})

/** Every combination of these columns. */
function* combined(columns: ReadonlyArray<readonly [name: string, values: readonly unknown[]]>): Generator<object> {
  const [first, ...rest] = columns
  if (first === undefined) return yield {}
  for (const value of first[1]) for (const more of combined(rest)) yield { [first[0]]: value, ...more }
}

test(verifies('F-66', 'columns that make no kind or way are never read as another'), () => {
  const seen = new Map<string, number>()
  const all = combined([
    ['redirect_uri', ['', callback]],
    ['state', [null, 's']],
    ['user_code', [null, '', 'BCDFGHJK']],
    ['answer', [null, '', 'inbox', 'else']],
    ['operation', [null, '', 'q']],
    ['upstream', [null, '', 'null', '{"sub":"ada"}', '{"act":{}}', '{"act"', JSON.stringify(upstream)]],
    ['upstream_user', [null, 'ada']],
  ])
  for (const columns of all) {
    let read: string
    try {
      const { kind, way } = readRequest({ ...row, ...columns })
      read = `${kind} by ${way}`
    } catch (error) {
      expect(error instanceof TypeError || error instanceof SyntaxError, String(error)).toBe(true)
      read = 'error'
    }
    seen.set(read, (seen.get(read) ?? 0) + 1)
  }
  // Of each, with and without `state`, an upstream token and the user who has proven to be its user, where it has them.
  expect(Object.fromEntries(seen)).toEqual({
    'access by browser': 2,
    'access by device': 1,
    'call by browser': 4,
    'call by device': 1,
    'call by inbox': 1,
    'exchange by browser': 4,
    error: 2 * 2 * 3 * 4 * 3 * 7 * 2 - 13,
  })
})

test('a request that was read before is never another kind, or goes another way', () => {
  const before = readRequest({ ...row, redirect_uri: callback })
  expect(readAgain(before, { ...row, redirect_uri: callback, status: 'denied' })).toMatchObject({ status: 'denied' })
  for (const columns of [{ user_code: 'BCDFGHJK' }, { redirect_uri: callback, operation: 'q' }])
    expect(() => readAgain(before, { ...row, ...columns })).toThrow('of no kind that is known')
})

test(verifies('F-66', 'a request that cannot be read fails alone'), async () => {
  const store = await openStore<Tables>({ url: 'sqlite::memory:', room, migrations })
  const quota = { agent: 100, delegate: 100 }
  const requests = requestsIn(store, () => 1, { quota, development: true })
  const asked = { principal: { agent: common.agent }, resource: common.resource, scope: ['events.read'] }
  const [bad, good] = [await requests.addDevice(asked), await requests.addDevice(asked)]
  await store.write(tx =>
    tx.updateTable('auth_server_requests').set({ redirect_uri: callback }).where('id', '=', bad.id).execute(),
  )
  await expect(requests.find(bad.device_code)).rejects.toThrow('a stored request goes no way that is known')
  await expect(requests.findByUserCode(bad.user_code)).rejects.toThrow('a stored request goes no way that is known')
  expect(await requests.find(good.device_code)).toMatchObject({ kind: 'access', way: 'device' })
  expect(await requests.findByUserCode(good.user_code)).toMatchObject({ user_code: good.user_code })
  await store.close()
})
