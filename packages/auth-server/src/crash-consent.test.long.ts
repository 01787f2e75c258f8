import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { type Browser, browser, signInAs } from '@countersign/testing/auth/browser'
import { callback, linkOf, open } from '@countersign/testing/auth/consent'
import {
  isKilled,
  type Participants,
  participants,
  type Server,
  serverOf,
  start,
  token,
} from '@countersign/testing/auth/crash'
import { delegate, resourceToken, type Signer } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { folderOfTest } from '@countersign/testing/folders'
import { bodyOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { migrations, type Tables } from './tables/tables.js'

/** How far the flow of one user got, as seen from outside the auth server. */
interface Way {
  readonly owner: Signer
  readonly scope: string
  readonly one: Browser
  step: 'asked' | 'opened' | 'approve sent' | 'approved' | 'redeem sent' | 'redeemed'
  request_token: string
  form: Record<string, string>
  code: string
  refresh_token: string
}

async function ask(cast: Participants, server: Server, owner: Signer, scope: string): Promise<string> {
  const resource_token = await resourceToken(cast, owner, { claims: { scope } })
  const form = { request_type: 'auth', resource_token, redirect_uri: callback, state: 's1' }
  return String((await bodyOf(await token(cast, server, owner, form)))['request_token'])
}

async function openPage(way: Way): Promise<void> {
  const hidden = hiddenFields(await (await open(way.one, linkOf(way.request_token))).text())
  way.form = { ...hidden, decision: 'allow', [`scope:${way.scope}`]: 'on' }
}

async function approve(way: Way): Promise<void> {
  const location = (await way.one.post('/agent/consent', way.form)).headers.get('location')
  way.code = new URL(location ?? 'none:').searchParams.get('code') ?? ''
}

const redemptionOf = ({ code, request_token }: Way) => ({
  request_type: 'code',
  code,
  request_token,
  redirect_uri: callback,
})

/** One user's way after the other, until the server dies; each ends where the kill found it. */
async function work(
  cast: Participants,
  server: Server,
  owner: Signer,
  { ways, onStep }: { readonly ways: Way[]; readonly onStep: (step: Way['step']) => void },
): Promise<void> {
  const one = browser(server, 'https://auth.example')
  try {
    await signInAs(one, 'ada')
    for (let turn = 0; turn < 40; turn++) {
      const scope = `events.${owner.delegate}.${ways.length}.${turn}`
      const request_token = await ask(cast, server, owner, scope)
      const way: Way = { owner, scope, one, request_token, step: 'asked', form: {}, code: '', refresh_token: '' }
      ways.push(way)
      await openPage(way)
      way.step = 'opened'
      const approving = approve(way)
      way.step = 'approve sent'
      onStep(way.step)
      await approving
      way.step = 'approved'
      const redeeming = token(cast, server, owner, redemptionOf(way))
      way.step = 'redeem sent'
      onStep(way.step)
      way.refresh_token = String((await bodyOf(await redeeming))['refresh_token'])
      way.step = 'redeemed'
    }
  } catch (error) {
    if (!isKilled(error)) throw error
  }
}

/** Goes on from where the kill left a way, as its user and agent would, to the refresh that proves the grant. */
async function goOn(cast: Participants, server: Server, way: Way): Promise<string> {
  const killedAt = way.step
  if (killedAt === 'asked' || killedAt === 'opened') await openPage(way)
  if (['asked', 'opened', 'approve sent'].includes(killedAt)) await approve(way)
  if (killedAt === 'redeemed') {
    const form = { request_type: 'refresh', refresh_token: way.refresh_token }
    return `${killedAt}: refresh ${(await token(cast, server, way.owner, form)).status}`
  }
  return `${killedAt}: redeem ${(await token(cast, server, way.owner, redemptionOf(way))).status}`
}

test(verifies(
  'F-01',
  'F-02',
  'F-03',
  'F-04',
  'F-05',
  'consent.code',
  'a kill at any step loses no answered step, unanswered ones can be repeated, and no code gives two grants',
), { timeout: 60_000 }, async () => {
  const directory = folderOfTest()
  const documents = join(directory, 'web.json')
  const database = `sqlite:${join(directory, 'auth.db')}`
  const cast = await participants()
  const metadata = 'https://agent.example/.well-known/aauth-agent'
  cast.web.set(metadata, { ...Object(cast.web.get(metadata)), redirect_uris: [callback] })
  writeFileSync(documents, JSON.stringify(Object.fromEntries(cast.web)))
  const owners = await Promise.all(Array.from({ length: 4 }, (_, index) => delegate(cast, `phone-${index}`)))
  const server = serverOf()
  const ways: Way[] = []
  const atLogin = browser(server, 'https://auth.example')
  let waiting = { link: '', form: {} as Record<string, string> }
  for (const kill of [
    { after: 6, at: 'approve sent' },
    { after: 14, at: 'redeem sent' },
  ] as const) {
    const running = await start(database, documents)
    server.running = running
    if (waiting.link === '') {
      const [owner] = owners
      if (owner === undefined) throw new Error('nobody')
      const link = linkOf(await ask(cast, server, owner, 'events.login'))
      waiting = { link, form: hiddenFields(await (await open(atLogin, link)).text()) }
    }
    let working: Promise<unknown> = Promise.resolve()
    await new Promise<void>(resolve => {
      const onStep = (step: Way['step']) => {
        if (server.running === undefined || ways.length < kill.after || step !== kill.at) return
        server.running = undefined
        // A moment for the message to be on its way: some of what was sent arrives, some does not.
        setTimeout(() => resolve(running.kill()), 3)
      }
      working = Promise.all(owners.map(owner => work(cast, server, owner, { ways, onStep })))
    })
    await working
  }

  server.running = await start(database, documents)
  const { csrf = '', return_to = '' } = waiting.form
  const back = await atLogin.post('/login/demo', { csrf, return_to, subject: 'grace' })
  expect(back.headers.get('location')).toBe(return_to)
  expect(await (await atLogin.get(return_to)).text()).toContain('events.login')

  const outcomes = await Promise.all(ways.map(way => goOn(cast, server, way)))
  const seen = new Set(outcomes)
  await server.running.kill()
  // What was sent and never answered may have happened or not; that it happened twice, the count below would show.
  seen.delete('redeem sent: redeem 400')
  const good = ['asked', 'opened', 'approve sent', 'approved', 'redeem sent'].map(step => `${step}: redeem 200`)
  expect([...seen].filter(outcome => !good.includes(outcome))).toEqual(['redeemed: refresh 200'])
  const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
  const grants = await store.db.selectFrom('auth_server_grants').select('scope').execute()
  const consents = await store.db.selectFrom('auth_server_consents').select('scope').execute()
  await store.close()
  expect(new Set(grants.map(({ scope }) => scope)).size).toBe(grants.length)
  expect(grants.length).toBe(ways.length)
  expect(consents.length).toBe(ways.length)
})
