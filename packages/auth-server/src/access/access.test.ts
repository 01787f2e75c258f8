import type { Conditions } from '@countersign/conditions'
import { openStore } from '@countersign/store'
import { expect, test } from 'vitest'
import { grantsIn, newGrantId } from '../grant/grants.js'
import { migrations, room, type Tables } from '../tables/tables.js'
import { userAccessIn } from './access.js'

const [issuer, agent, resource] = ['https://auth.example', 'https://agent.example', 'https://calendar.example']
const now = (): number => 1_800_000_000

test('a user sees, and narrows, what they allowed several times under more conditions than one token carries', async () => {
  const store = await openStore<Tables>({ url: 'sqlite::memory:', room, migrations })
  const grants = grantsIn(store, now, { issuer })
  const access = userAccessIn(store, now, { issuer, onEnded: () => undefined })
  const what = { agent, delegate: '', resource }
  for (const zone of ['Europe/Paris', 'Europe/Berlin']) {
    const conditions: Conditions = Array.from({ length: 17 }, (_, n) => {
      const from = `0${Math.floor(n / 10)}:0${n % 10}`
      return { type: 'hours', zone, days: [1, 2, 3], from, to: '12:00' }
    })
    const user = { sub: 'ada', claims: {} }
    await grants.add({ agent }, { id: newGrantId(), resource, scope: 'events.read', user, conditions })
  }
  expect((await access.held('ada', what))?.conditions).toHaveLength(34)
  expect(await access.narrow('ada', { what, added: [{ type: 'calls', max: 5, per: 'day' }] })).toBe(2)
  expect((await access.held('ada', what))?.conditions).toHaveLength(35)
  await store.close()
})
