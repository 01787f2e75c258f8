import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openOperator } from '@countersign/console'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { isKilled, type Participants, participants, type Running, start } from '@countersign/testing/auth/crash'
import { delegate, post, resourceToken, type Signer } from '@countersign/testing/auth/world'
import { folderOfTest } from '@countersign/testing/folders'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../tables/tables.js'

/** Asks, and ends every second grant, until the server dies. */
async function work(cast: Participants, running: Running, owner: Signer, onAnswer: () => void): Promise<void> {
  try {
    for (let turn = 0; turn < 45; ) {
      const resource_token = await resourceToken(cast, owner)
      const answer = await running.call(await post(cast, owner, { request_type: 'auth', resource_token }))
      if (answer.status !== 200) {
        // A server that has just started may be asked too early.
        await sleep(100)
        continue
      }
      turn++
      onAnswer()
      const { refresh_token = '' } = JSON.parse(answer.body) as { refresh_token?: string }
      if (turn % 2 === 0)
        await running.call(await post(cast, owner, { token: refresh_token }, { target: '/agent/revoke' }))
    }
  } catch (error) {
    if (!isKilled(error)) throw error
  }
}

test(verifies(
  'F-08',
  'F-15',
  'LOG-03',
  'a kill leaves no grant without its event, no event without its change, and each event once',
), {
  timeout: 120_000,
}, async () => {
  const directory = folderOfTest()
  const documents = join(directory, 'web.json')
  const database = `sqlite:${join(directory, 'auth.db')}`
  const cast = await participants()
  writeFileSync(documents, JSON.stringify(Object.fromEntries(cast.web)))
  const owners = await Promise.all(Array.from({ length: 8 }, (_, index) => delegate(cast, `phone-${index}`)))
  let answers = 0
  for (const until of [60, 140, 220]) {
    const running = await start(database, documents, { audit: 'on' })
    const working = Promise.all(owners.map(owner => work(cast, running, owner, () => answers++)))
    while (answers < until) await sleep(5)
    await running.kill()
    await working
  }
  // The next start gives the events that were left their places.
  const running = await start(database, documents, { audit: 'on' })
  await sleep(3000)
  await running.kill()
  const operator = await openOperator({ issuer: 'https://auth.example', database })
  const named = async (type: string): Promise<string[]> =>
    (await operator.audit.list({ type, limit: 1000 })).events.map(({ grant = '' }) => grant)
  const [granted, revoked] = [await named('granted'), (await named('revoked')).filter(grant => grant !== '')]
  await operator.close()
  expect(new Set(granted).size).toBe(granted.length)
  expect(new Set(revoked).size).toBe(revoked.length)
  const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
  const rows = await store.db.selectFrom('auth_server_grants').select('id').execute()
  await store.close()
  expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(granted.filter(grant => !revoked.includes(grant))))
  expect(granted.length).toBeGreaterThanOrEqual(answers)
})
