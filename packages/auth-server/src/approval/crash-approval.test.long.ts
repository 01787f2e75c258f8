import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { answerInbox, calendar, questionsIn, turnOn } from '@countersign/testing/auth/approval'
import { type Browser, browser, signInAs } from '@countersign/testing/auth/browser'
import { answerOf, callback, linkOf, open } from '@countersign/testing/auth/consent'
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
import { part } from '@countersign/testing/json-web-token'
import { bodyOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../tables/tables.js'

/** A user with a question: in the inbox, or in the browser. */
interface Asked {
  readonly owner: Signer
  readonly one: Browser
  readonly request_token: string
  /** Empty in the browser. */
  readonly question: string
}

type Form = Record<string, string>

async function ask(cast: Participants, server: Server, owner: Signer, nth: number): Promise<Asked> {
  const one = browser(server, 'https://auth.example')
  await signInAs(one, `u${nth}`)
  const auth = async (form: Form, claims: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const resource_token = await resourceToken(cast, owner, { claims: { scope: 'events.write', ...claims } })
    return bodyOf(await token(cast, server, owner, { request_type: 'auth', resource_token, ...form }))
  }
  const web = { redirect_uri: callback, state: 's1' }
  const request_token = String((await auth(web, {}))['request_token'])
  const said = await say(one, request_token, { decision: 'allow', 'scope:events.write': 'on' })
  const code = answerOf(said).searchParams.get('code') ?? ''
  const redemption = { request_type: 'code', code, request_token, redirect_uri: callback }
  const { sub } = part((await bodyOf(await token(cast, server, owner, redemption)))['auth_token'], 1)
  const operation = { name: 'send', digest: `${String(nth).padStart(42, 'A')}E` }
  await turnOn(one)
  const isInbox = nth % 2 === 0
  const asked = await auth(isInbox ? { answer: 'inbox' } : web, { sub, operation })
  const [question = ''] = isInbox ? await questionsIn(one) : []
  return { owner, one, request_token: String(asked['request_token']), question }
}

async function say(one: Browser, request_token: string, form: Form): Promise<Response> {
  const page = await open(one, linkOf(request_token))
  // The question is no longer open: its answer is where the browser is sent.
  if (page.status !== 200) return page
  return one.post('/agent/consent', { ...hiddenFields(await page.text()), ...form })
}

/** Says yes; resolves with what the agent then redeems. */
async function approve({ one, request_token, question }: Asked): Promise<Form> {
  if (question === '') {
    const said = await say(one, request_token, { decision: 'approve' })
    const code = answerOf(said).searchParams.get('code') ?? ''
    return { request_type: 'code', code, request_token, redirect_uri: callback }
  }
  if ((await questionsIn(one)).includes(question)) await answerInbox(one, question, 'approve')
  return { request_type: 'poll', request_token }
}

async function redeem(cast: Participants, server: Server, { owner }: Asked, form: Form): Promise<number> {
  return (await token(cast, server, owner, form)).status
}

test(verifies(
  'F-04',
  'F-05',
  'approval.token',
  'a kill around an approval of a single call leaves the answer or the open question, and no second token',
), { timeout: 60_000 }, async () => {
  const directory = folderOfTest()
  const [documents, database] = [join(directory, 'web.json'), `sqlite:${join(directory, 'auth.db')}`]
  const cast = await participants()
  const metadata = 'https://agent.example/.well-known/aauth-agent'
  cast.web.set(metadata, { ...Object(cast.web.get(metadata)), redirect_uris: [callback] })
  publishResource(cast, calendar, [cast.resourceKey], { operations: { send: 'Send an invitation' } })
  writeFileSync(documents, JSON.stringify(Object.fromEntries(cast.web)))
  const server = serverOf()
  const first = await start(database, documents)
  server.running = first
  const asked: Asked[] = []
  for (let nth = 0; nth < 12; nth++) asked.push(await ask(cast, server, await delegate(cast, `phone-${nth}`), nth))

  let answered = 0
  const yeses = asked.map(async one => {
    const form = await approve(one)
    answered += 1
    if (answered === 4) await first.kill()
    return form
  })
  const settled = await Promise.allSettled(yeses)
  for (const result of settled) if (result.status === 'rejected' && !isKilled(result.reason)) throw result.reason
  expect(answered).toBeGreaterThanOrEqual(4)

  const second = await start(database, documents)
  server.running = second
  const forms: Form[] = []
  for (const [index, one] of asked.entries()) {
    const result = settled[index]
    // What was answered is on disk; what was not is there, or is asked again.
    const form = result?.status === 'fulfilled' ? result.value : await approve(one)
    forms.push(form)
    expect(await redeem(cast, server, one, form), `question ${index}`).toBe(200)
  }
  // The answers that may be repeated die with their process.
  await second.kill()
  const third = await start(database, documents)
  server.running = third
  for (const [index, one] of asked.entries()) {
    const form = forms[index] ?? expect.fail('no form')
    expect(await redeem(cast, server, one, form), `question ${index} again`).toBe(400)
  }
  await third.kill()
  const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
  const rows = await store.db.selectFrom('auth_server_approvals').select(['status', 'exp']).execute()
  await store.close()
  expect(rows.map(({ status }) => status)).toEqual(asked.map(() => 'approved'))
})
