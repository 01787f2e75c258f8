import type { Participant } from '@countersign/server'
import { expect, test } from 'vitest'
import { swappable } from './swap.js'

const message = { method: 'POST', target: '/', headers: [] }

test('a participant is closed after its last request, and the next one answers from the swap on', async () => {
  const closed: string[] = []
  let finish = (): void => undefined
  const held = new Promise<void>(resolve => {
    finish = resolve
  })
  const named = (name: string, wait: Promise<void>): Participant => ({
    handle: () => wait.then(() => new Response(name)),
    close: async () => void closed.push(name),
  })
  const place = swappable(named('first', held), () => undefined)
  const under = place.participant.handle(message)
  place.swap(named('second', Promise.resolve()))
  expect(await (await place.participant.handle(message)).text()).toBe('second')
  expect(closed).toEqual([])
  finish()
  expect(await (await under).text()).toBe('first')
  expect(closed).toEqual(['first'])
})
