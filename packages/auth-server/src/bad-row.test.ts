import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { ask, delegate, granted, type Signer, send, world } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import { expect, test } from 'vitest'
import { migrations, type Tables } from './tables/tables.js'

test(verifies('F-66', 'a grant that cannot be read fails alone, is reported, and grants nothing'), async () => {
  const database = sqliteOfTest()
  const made = await world({ database })
  const [phone, laptop] = [await delegate(made, 'phone'), await delegate(made, 'laptop')]
  const [bad, good] = [await granted(await ask(made, phone)), await granted(await ask(made, laptop))]
  const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
  await store.write(tx =>
    tx
      .updateTable('auth_server_grants')
      .set({ conditions: '[{"type":"until"' })
      .where('agent_delegate', '=', 'phone')
      .execute(),
  )
  await store.close()
  const refresh = (by: Signer, refresh_token: string): Promise<Response> =>
    send(made, by, { request_type: 'refresh', refresh_token })
  const refused = await refresh(phone, bad.refresh_token)
  expect([refused.status, await refused.json()]).toMatchObject([500, { error: 'server_error' }])
  expect(made.events.at(-1)).toMatchObject({
    type: 'refused',
    delegate: 'phone',
    reason: 'internal_error',
    cause: expect.any(SyntaxError),
  })
  expect((await refresh(laptop, good.refresh_token)).status).toBe(200)
  expect((await ask(made, phone)).status).toBe(200)
})
