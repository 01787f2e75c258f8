import { randomUUID } from 'node:crypto'
import { askUsers } from '@countersign/auth-server'
import { sqliteOfTest } from '@countersign/testing/folders'
import { bodyOf } from '@countersign/testing/responses'
import { publishAgent, publishResource } from '@countersign/testing/world/web'
import type { Browser } from './browser.js'
import { answerOf, open } from './consent.js'
import { asking, type ExchangeWorld, exchangeWorld, middleId, rule } from './exchange.js'
import type { Watched } from './refused-exchange.js'
import { allow, asksUser, calendarToken } from './two-auth-servers.js'
import { agentServer, send } from './world.js'

export const own = 'https://auth.example'
const ownRules = [rule, asking].map(each => ({ ...each, upstream: own }))

/** One auth server for both: the calendar's and rooms'. */
export async function ownWorld(o: Parameters<typeof exchangeWorld>[0] = {}): Promise<Watched> {
  const { database = sqliteOfTest() } = o
  const policy = askUsers([{ agents: ['https://agent.example'], resources: [middleId] }])
  const made = await exchangeWorld({ rules: ownRules, policy, ...o, database })
  publishAgent(made, 'https://agent.example', [made.agentKey], { redirect_uris: ['https://agent.example/callback'] })
  publishResource(made, middleId, [made.middleKey], { supported_scopes: ['events.write'] })
  return { ...made, database }
}

/** Ada's agent gets what it will call the calendar with: the token, and what it is refreshed by. */
export async function callAs(
  made: ExchangeWorld,
  one: Browser,
  o: { readonly txn?: string | undefined } = { txn: randomUUID() },
): Promise<{ token: string; refresh_token: string; form: Readonly<Record<string, string>> }> {
  const agent = agentServer(made)
  const resource_token = await calendarToken(made, agent, { aud: own, txn: o.txn })
  const redirect_uri = 'https://agent.example/callback'
  const asked = await send(made, agent, { request_type: 'auth', resource_token, redirect_uri, state: 'a1' })
  const { request_token } = await bodyOf(asked)
  const query = new URLSearchParams({ request_token: String(request_token), redirect_uri, state: 'a1' })
  const back = await allow(one, await open(one, `/agent/authorize?${query}`), ['events.write'])
  const code = answerOf(back).searchParams.get('code') ?? ''
  const form = { request_type: 'code', code, request_token: String(request_token), redirect_uri }
  const { auth_token, refresh_token } = await bodyOf(await send(made, agent, form))
  return { token: String(auth_token), refresh_token: String(refresh_token), form }
}

/** Ada agrees to rooms.book on the calendar's behalf; `back` carries the code. */
export async function agreed(
  made: ExchangeWorld,
  one: Browser,
  upstream: string,
): Promise<{ back: Response; request_token: string; code: string }> {
  const { link, request_token } = await asksUser(made, upstream)
  const back = await allow(one, await open(one, link))
  return { back, request_token, code: answerOf(back).searchParams.get('code') ?? '' }
}
