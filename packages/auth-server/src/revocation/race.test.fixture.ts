import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { type Browser, browser, signInAs } from '@countersign/testing/auth/browser'
import { answerOf, browserOf, consentWorld, linkOf, open, secondInstance } from '@countersign/testing/auth/consent'
import type { World } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { bodyOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect } from 'vitest'

const issuer = 'https://auth.example'
const calendar = 'https://calendar.example'
/** Seconds of these servers in a millisecond: what takes a while takes long, and times tell what came first. */
const speed = 0.1
/** The most milliseconds that count between two readings of the clock. */
const longestStep = 20

/** Claims of an auth token that a race is about. */
export interface TokenTimes {
  readonly grant: string
  readonly iat: number
  readonly exp: number
}

/** Two instances on one database, the second with a key that signs slowly; and a resource that is told. */
export interface Race {
  readonly a: World
  readonly b: World
  /** Of one user, at either instance. */
  readonly atA: Browser
  readonly atB: Browser
  /** `exp` of the notices that the resource has answered with 204, by grant. */
  readonly told: ReadonlyMap<string, number>
  /** Lets time pass, and signs the user in. */
  later(seconds: number): Promise<void>
  /** Takes access back on the page of instance A; resolves once that says so. */
  takeBack(form: Record<string, string>): Promise<void>
  close(): Promise<void>
}

/** Opens both on the database; tokens live as long as they may. */
export async function race(database: string): Promise<Race> {
  let [at, last] = [1_767_225_600, performance.now()]
  const clock = {
    get now() {
      const elapsed = performance.now() - last
      last += elapsed
      // On a busy machine one step may take a second, and would last longer than a signature is good for.
      at += Math.min(elapsed, longestStep) * speed
      return Math.floor(at)
    },
  }
  const told = new Map<string, number>()
  const options = {
    ...({ database, deviceFlow: 'any', authTokenLifetime: 3600, pagesPerMinute: 1e9 } as const),
    async fetch(input: string | URL | Request, init?: RequestInit) {
      const form = new URLSearchParams(await new Request(input, init).text())
      told.set(form.get('grant') ?? '', Number(form.get('exp')))
      return new Response(null, { status: 204 })
    },
  }
  const a = await consentWorld({ ...options, clock })
  publishResource(a, calendar, [a.resourceKey], {
    supported_scopes: ['events.read', 'events.write'],
    revocation_endpoint: `${calendar}/aauth/revoked-grants`,
  })
  const b = await secondInstance(a, database, { ...options, keys: [{ kid: 'b1', key: await slowKey() }] })
  const atA = await browserOf(a, 'ada')
  const atB = browser(b.auth, issuer)
  return {
    a,
    b,
    atA,
    atB,
    told,
    async later(seconds) {
      at += seconds
      await signInAs(atA, 'ada')
      for (const [name, value] of atA.cookies) atB.cookies.set(name, value)
    },
    async takeBack(form) {
      const csrf = await atA.csrf('/account')
      await pause()
      const answer = await atA.post('/account/take-back', { csrf, ...form })
      expect(answer.headers.get('location')).toMatch(/^\/account\?done=\d+$/)
    },
    async close() {
      await Promise.all([a.auth.close(), b.auth.close()])
    },
  }
}

/** Up to 8 ms: whatever is under way meets the others at any point. */
export function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, Math.random() * 8))
}

async function slowKey(): Promise<SigningKey> {
  const key = await generateSigningKey()
  return {
    ...key,
    async sign(data) {
      await pause()
      return key.sign(data)
    },
  }
}

/** Opens a link and allows these scopes; a browser that is sent on at once has its answer already. Resolves with the code. */
export async function allowedBy(one: Browser, request_token: string, scopes: readonly string[]): Promise<string> {
  const page = await open(one, linkOf(request_token))
  if (page.status === 303) return answerOf(page).searchParams.get('code') ?? ''
  const chosen = Object.fromEntries(scopes.map(name => [`scope:${name}`, 'on']))
  const form = { ...hiddenFields(await page.text()), decision: 'allow', ...chosen }
  return answerOf(await one.post('/agent/consent', form)).searchParams.get('code') ?? ''
}

/** The token of an answer; undefined for a refusal. */
export async function tokenIn(response: Response): Promise<TokenTimes | undefined> {
  const { auth_token } = await bodyOf(response)
  if (typeof auth_token !== 'string') return undefined
  return JSON.parse(Buffer.from(auth_token.split('.')[1] ?? '', 'base64url').toString()) as TokenTimes
}

/** Every one of these tokens is refused at the resource, for as long as it would live. */
export async function allRefused(told: Race['told'], tokens: ReadonlyArray<TokenTimes | undefined>): Promise<void> {
  for (const token of tokens) {
    if (token === undefined) continue
    await expect.poll(() => told.has(token.grant), { interval: 2, timeout: 5000 }).toBe(true)
    expect(token.exp).toBeLessThanOrEqual(told.get(token.grant) ?? 0)
  }
}
