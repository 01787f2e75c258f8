import { expect, test } from 'vitest'
import { recentEvents } from './events.js'

const message = (text: string) => ({ jsonrpc: '2.0', method: 'notifications/x', params: { text } }) as const

async function replayed(store: ReturnType<typeof recentEvents>, after: string): Promise<unknown[]> {
  const sent: unknown[] = []
  await store.replayEventsAfter(after, { send: async (_, event) => void sent.push(Object(event).params.text) })
  return sent
}

test('a stream goes on after its own last event, and tells nothing of another', async () => {
  const store = recentEvents(10)
  const begun = await store.storeEvent('a', {} as never)
  await store.storeEvent('b', message('of b'))
  const one = await store.storeEvent('a', message('one'))
  await store.storeEvent('a', message('two'))
  expect(await replayed(store, begun)).toEqual(['one', 'two'])
  expect(await replayed(store, one)).toEqual(['two'])
  expect(await store.getStreamIdForEventId?.(one)).toBe('a')
  await expect(replayed(store, 'unknown')).rejects.toThrow(RangeError)
})

test('what is kept is bounded in number and in size', async () => {
  const few = recentEvents(2)
  const ids = [
    await few.storeEvent('a', message('1')),
    await few.storeEvent('a', message('2')),
    await few.storeEvent('a', message('3')),
  ]
  expect(await Promise.all(ids.map(id => few.getStreamIdForEventId?.(id)))).toEqual([undefined, 'a', 'a'])

  const large = recentEvents(1000)
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
