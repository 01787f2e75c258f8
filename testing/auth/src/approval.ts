import { hiddenFields } from '@countersign/testing/browser'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import type { Browser } from './browser.js'
import {
  allowedCode,
  answerOf,
  browserOf,
  callback,
  consentWorld,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
} from './consent.js'
import { resourceToken, type Signer, send, type World } from './world.js'

export const calendar = 'https://calendar.example'
/** Base64url SHA-256 digests of two requests. */
export const digests: readonly [string, string] = ['A'.repeat(42) + 'E', 'B'.repeat(42) + 'E']
export const display: readonly string[] = ['Send ', 'Lunch', ' to ', 'bob@partner.example']

/** A world whose calendar names two operations, one of them grave, and where notices are told. */
export async function approvalWorld(o: Parameters<typeof consentWorld>[0] = {}): Promise<ApprovalWorld> {
  const told: string[] = []
  const made = await consentWorld({
    deviceFlow: 'any',
    async fetch(input, init) {
      told.push(new URLSearchParams(await new Request(input, init).text()).get('grant') ?? '')
      return new Response(null, { status: 204 })
    },
    ...o,
  })
  publishResource(made, calendar, [made.resourceKey], {
    supported_scopes: ['events.read', 'events.write'],
    operations: { send: 'Send an invitation', purge: { description: 'Delete everything', grave: true } },
    constraints_supported: ['until', 'approval'],
    revocation_endpoint: `${calendar}/aauth/revoked-grants`,
  })
  return { ...made, told }
}

export interface ApprovalWorld extends World {
  /** Names of the grants that the calendar was told have ended. */
  readonly told: readonly string[]
}

/** A user with a living grant for an agent. */
export interface Ada {
  readonly one: Browser
  readonly sub: string
  readonly refresh_token: string
  /** `grant` of their ordinary token. */
  readonly grant: string
}

/** A user gives `signer` access to the calendar. */
export async function adaOf(
  made: World,
  signer: Signer,
  o: { readonly subject?: 'ada' | 'grace'; readonly one?: Browser } = {},
): Promise<Ada> {
  const one = o.one ?? (await browserOf(made, o.subject ?? 'ada'))
  const code = await allowedCode(made, signer, { one, scope: 'events.write' })
  const { auth_token, refresh_token } = await bodyOf(await redeemCode(made, signer, code))
  const { sub, grant } = part(auth_token, 1)
  return { one, sub: String(sub), refresh_token: String(refresh_token), grant: String(grant) }
}

/** What may differ between questions. */
export interface CallOptions {
  readonly sub?: string | undefined
  readonly operation?: unknown
  readonly claims?: Record<string, unknown>
  readonly form?: Record<string, string>
}

/** What the calendar gives a caller whose call needs an approval. */
export function callToken(made: World, signer: Signer, { sub, operation, claims }: CallOptions): Promise<string> {
  const call = operation === undefined ? { name: 'send', digest: digests[0], display } : operation
  return resourceToken(made, signer, { claims: { scope: 'events.write', sub, operation: call, ...claims } })
}

/** Sends `request_type=auth` about a call. */
export async function askAboutCall(made: World, signer: Signer, o: CallOptions): Promise<Response> {
  const resource_token = await callToken(made, signer, o)
  return send(made, signer, { request_type: 'auth', resource_token, redirect_uri: callback, state: 's1', ...o.form })
}

/** Sends it for the inbox. */
export async function askInInbox(made: World, signer: Signer, o: CallOptions): Promise<Response> {
  const resource_token = await callToken(made, signer, o)
  return send(made, signer, { request_type: 'auth', resource_token, answer: 'inbox', ...o.form })
}

/** Sends `request_type=poll`. */
export function poll(made: World, signer: Signer, request_token: string): Promise<Response> {
  return send(made, signer, { request_type: 'poll', request_token })
}

/** Answers the page of a question that `link` leads to. */
export async function answerPage(one: Browser, link: string, decision: string): Promise<Response> {
  const page = await (await open(one, link)).text()
  return one.post('/agent/consent', { ...hiddenFields(page), decision })
}

/** Asks in the browser, answers yes, and resolves with what redeems the code. */
export async function approvedCode(
  made: World,
  signer: Signer,
  { one, ...o }: CallOptions & { readonly one: Browser },
): Promise<{ readonly code: string; readonly request_token: string; readonly redirect_uri: string }> {
  const request_token = await requestTokenOf(await askAboutCall(made, signer, o))
  const back = await answerPage(one, linkOf(request_token), 'approve')
  return { code: answerOf(back).searchParams.get('code') ?? '', request_token, redirect_uri: callback }
}

/** Turns the inbox of a user on. */
export async function turnOn(one: Browser): Promise<void> {
  const csrf = await one.csrf('/account/approvals')
  await one.post('/account/approvals/inbox', { csrf, turn: 'on' })
}

/** The names of the questions that the page of approvals lists. */
export async function questionsIn(one: Browser): Promise<string[]> {
  const page = await (await one.get('/account/approvals')).text()
  return [...page.matchAll(/\/account\/approval\?question=([\w-]+)/g)].map(([, id = '']) => id)
}

/** Answers a question of the inbox. */
export async function answerInbox(one: Browser, question: string, decision: string): Promise<Response> {
  return (await openInbox(one, question))(decision)
}

/** Opens a question of the inbox; the answer is sent later. */
export async function openInbox(one: Browser, question: string): Promise<(decision: string) => Promise<Response>> {
  const page = await (await one.get(`/account/approval?question=${question}`)).text()
  return decision => one.post('/account/approval', { ...hiddenFields(page), decision })
}

/** The claims of the token in an answer. */
export async function tokenIn(response: Response): Promise<Record<string, unknown>> {
  return part((await bodyOf(response))['auth_token'], 1)
}
