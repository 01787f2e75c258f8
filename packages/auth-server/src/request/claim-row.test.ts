import { openStore } from '@countersign/store'
import { adaOf, approvalWorld, askAboutCall } from '@countersign/testing/auth/approval'
import { linkOf, open, requestTokenOf } from '@countersign/testing/auth/consent'
import { delegate } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../tables/tables.js'
import { refuseIn } from './claim-row.js'
import { readRequest } from './read-request.js'

test('a browser from which the user has taken a question over ends nothing of it', async () => {
  const database = sqliteOfTest()
  const made = await approvalWorld({ database })
  const phone = await delegate(made, 'phone')
  const { one, sub } = await adaOf(made, phone)
  await open(one, linkOf(await requestTokenOf(await askAboutCall(made, phone, { sub }))))
  const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
  const row = await store.db
    .selectFrom('auth_server_requests')
    .selectAll()
    .where('operation', 'is not', null)
    .executeTakeFirstOrThrow()
  const refusedBy = (browser: string) =>
    store.write(tx => refuseIn(tx, readRequest(row), { browser, user: sub, status: 'denied', now: made.clock.now }))
  const question = () => store.db.selectFrom('auth_server_approvals').select('status').executeTakeFirstOrThrow()
  expect(await refusedBy('another browser')).toBeUndefined()
  expect(await question()).toEqual({ status: 'open' })
  expect(await refusedBy(row.browser ?? '')).toMatchObject({ status: 'denied' })
  expect(await question()).toEqual({ status: 'refused' })
  await store.close()
})
