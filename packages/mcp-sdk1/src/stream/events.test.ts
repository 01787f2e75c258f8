import { expect, test } from 'vitest'
import { type RecentEvents, recentEvents } from './events.js'

const message = (text: string) => ({ jsonrpc: '2.0', method: 'notifications/x', params: { text } }) as const

async function replayed(store: RecentEvents, after: string): Promise<unknown[]> {
  const sent: unknown[] = []
  await store.replayEventsAfter(after, { send: async (_, event) => void sent.push(Object(event).params.text) })
  return sent
}

test('a stream resumes after its own last event, without events of others', async () => {
  const store = recentEvents(10)('crowd')
  const begun = await store.storeEvent('a', {} as never)
  await store.storeEvent('b', message('of b'))
  const one = await store.storeEvent('a', message('one'))
  await store.storeEvent('a', message('two'))
  expect(await replayed(store, begun)).toEqual(['one', 'two'])
  expect(await replayed(store, one)).toEqual(['two'])
  expect(await store.getStreamIdForEventId?.(one)).toBe('a')
  await expect(replayed(store, 'unknown')).rejects.toThrow(RangeError)
})

test('kept events are bounded in number and size', async () => {
  const few = recentEvents(2)('crowd')
  const ids = [
    await few.storeEvent('a', message('1')),
    await few.storeEvent('a', message('2')),
    await few.storeEvent('a', message('3')),
  ]
  expect(await Promise.all(ids.map(id => few.getStreamIdForEventId?.(id)))).toEqual([undefined, 'a', 'a'])

  const large = recentEvents(1000)('crowd')
  const first = await large.storeEvent('a', message('x'.repeat(600_000)))
  const second = await large.storeEvent('a', message('x'.repeat(600_000)))
  expect([await large.getStreamIdForEventId?.(first), await large.getStreamIdForEventId?.(second)]).toEqual([
    undefined,
    'a',
  ])
  // One alone may be larger: its stream has to get it.
  const third = await large.storeEvent('a', message('x'.repeat(2_000_000)))
  expect([await large.getStreamIdForEventId?.(second), await large.getStreamIdForEventId?.(third)]).toEqual([
    undefined,
    'a',
  ])
})

test('all sessions together are bounded; the space of an ended session is free for others', async () => {
  const open = recentEvents(1000, 10_000)
  const kept = async (store: RecentEvents, id: string) => (await store.getStreamIdForEventId?.(id)) !== undefined
  const stores = Array.from({ length: 20 }, (_, i) => open(`crowd ${i}`))
  const ids: string[] = []
  for (const store of stores) ids.push(await store.storeEvent('a', message('x'.repeat(500))))
  const held = await Promise.all(stores.map((store, i) => kept(store, ids[i] ?? '')))
  const count = held.filter(Boolean).length
  expect(held.slice(0, count)).not.toContain(false)
  expect(count).toBeGreaterThan(9)
  expect(count).toBeLessThan(15)
  const [one, last] = [stores[0], stores[19]]
  if (one === undefined || last === undefined) throw new Error('there are twenty')
  one.end()
  const late = await one.storeEvent('a', message('late'))
  const again = await last.storeEvent('a', message('x'.repeat(500)))
  expect([await kept(one, ids[0] ?? ''), await kept(one, late), await kept(last, again)]).toEqual([false, false, true])
})

test('sessions of one crowd keep a tenth of all, and other sessions are not affected', async () => {
  const open = recentEvents(1000, 10_000)
  const kept = async (store: RecentEvents, id: string) => (await store.getStreamIdForEventId?.(id)) !== undefined
  const [one, two, other] = [open('evil'), open('evil'), open('honest')]
  const first = await one.storeEvent('a', message('x'.repeat(500)))
  const more = await two.storeEvent('a', message('x'.repeat(500)))
  const theirs = await other.storeEvent('a', message('x'.repeat(500)))
  expect([await kept(one, first), await kept(two, more), await kept(other, theirs)]).toEqual([true, false, true])
})

test('the purpose of a stream is known until the stream has ended and none of its events is kept', async () => {
  const store = recentEvents<string>(2)('crowd')
  const events = async (stream: string, ...texts: string[]) => {
    const ids = []
    for (const text of texts) ids.push(await store.storeEvent(stream, message(text)))
    return ids
  }
  const [begun = ''] = await events('a', '1')
  store.note(begun, 'of a')
  store.dedicate('b', 'of b')
  await events('c', '1', '2', '3')
  expect(store.purposeOf(begun)).toBeUndefined()
  const [later = '', other = ''] = [...(await events('a', '2')), ...(await events('b', '1'))]
  expect([store.purposeOf(later), store.purposeOf(other)]).toEqual(['of a', 'of b'])
  const answer = await store.storeEvent('a', { jsonrpc: '2.0', id: 1, result: {} })
  expect([store.purposeOf(answer), store.restAfter(later)]).toEqual(['of a', undefined])
  expect(store.restAfter(answer)).toEqual([])
  const unknown = (await events('c', '4', '5')).at(-1) ?? ''
  expect([store.purposeOf(answer), store.purposeOf(unknown)]).toEqual([undefined, undefined])
  // An event after the answer belongs to no known stream.
  const [late = ''] = await events('a', '3')
  expect(store.purposeOf(late)).toBeUndefined()
  store.close('of b')
  const [closed = ''] = await events('b', '2')
  expect(store.purposeOf(closed)).toBeUndefined()
})
