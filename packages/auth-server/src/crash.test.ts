import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifies } from '@countersign/requirements'
import { type Participants, participants, patiently, type Running, start } from '@countersign/testing/auth/crash'
import { delegate, post, resourceToken, type Signer } from '@countersign/testing/auth/world'
import { folderOfTest } from '@countersign/testing/folders'
import { expect, test } from 'vitest'

/** What one delegate knows of a refresh token it was handed. */
interface Held {
  readonly owner: Signer
  readonly token: string
  revocation: 'none' | 'sent' | 'answered'
}

/** Asks, refreshes, and revokes every third grant, until the server dies; remembers what was answered. */
async function work(cast: Participants, running: Running, owner: Signer, held: Held[]): Promise<void> {
  try {
    for (let turn = 0; turn < 45; turn++) {
      const asked = await patiently(running, async () =>
        post(cast, owner, { request_type: 'auth', resource_token: await resourceToken(cast, owner) }),
      )
      const body: unknown = JSON.parse(asked.body)
      if (typeof body !== 'object' || body === null || !('refresh_token' in body)) throw new Error('refused')
      const grant: Held = { owner, token: String(body.refresh_token), revocation: 'none' }
      held.push(grant)
      await running.call(await post(cast, owner, { request_type: 'refresh', refresh_token: grant.token }))
      if (turn % 3 !== 0) continue
      const message = await post(cast, owner, { token: grant.token }, { target: '/agent/revoke' })
      grant.revocation = 'sent'
      await running.call(message)
      grant.revocation = 'answered'
    }
  } catch (error) {
    if (!(error instanceof Error) || !/killed|channel closed|EPIPE/i.test(error.message)) throw error
  }
}

const ends = [
  [
    verifies('F-08', 'F-09', 'revoke.ends', 'a kill loses no refresh token that was answered, and no revocation'),
    'kill',
  ],
  [verifies('F-61', 'an end by memory that is used up loses no more than a kill'), 'exhaust'],
] as const
const long = process.env['COUNTERSIGN_LONG'] === '1'

test.each(ends.filter(([, end]) => long || end === 'kill'))('%s', { timeout: 120_000 }, async (_, end) => {
  const directory = folderOfTest()
  const documents = join(directory, 'web.json')
  const database = `sqlite:${join(directory, 'auth.db')}`
  const cast = await participants()
  writeFileSync(documents, JSON.stringify(Object.fromEntries(cast.web)))
  const owners = await Promise.all(Array.from({ length: 8 }, (_, index) => delegate(cast, `phone-${index}`)))
  const held: Held[] = []
  for (const answers of [60, 150]) {
    const running = await start(database, documents)
    const working = Promise.all(owners.map(owner => work(cast, running, owner, held)))
    while (held.length < answers) await sleep(5)
    await running[end]()
    await working
  }
  const running = await start(database, documents)
  const outcomes = await Promise.all(
    held.map(async ({ owner, token, revocation }) => {
      const form = { request_type: 'refresh', refresh_token: token }
      const { status } = await patiently(running, () => post(cast, owner, form))
      return `revocation ${revocation}: ${status}`
    }),
  )
  await running.kill()
  const seen = new Set(outcomes)
  // A revocation that was sent and never answered may have happened or not.
  seen.delete('revocation sent: 200')
  seen.delete('revocation sent: 400')
  expect(seen).toEqual(new Set(['revocation answered: 400', 'revocation none: 200']))
})
