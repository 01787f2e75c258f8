import { askUsers } from '@countersign/auth-server'
import { verifies } from '@countersign/requirements'
import { type Browser, browser, signInAs } from '@countersign/testing/auth/browser'
import { answerOf, open } from '@countersign/testing/auth/consent'
import { allow } from '@countersign/testing/auth/two-auth-servers'
import {
  agentServer,
  delegate,
  resourceToken,
  type Signer,
  send,
  type World,
  world,
} from '@countersign/testing/auth/world'
import { bodyOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { describe, expect, test } from 'vitest'
import { demoUsers } from '../login/login-method.js'

const calendar = 'https://calendar.example'
const redirect_uri = 'https://agent.example/callback'

async function place(answer: () => Response = () => new Response(null, { status: 204 })) {
  const made = await world({
    development: true,
    policy: askUsers([{ agents: 'any', resources: [calendar] }]),
    login: [demoUsers([{ name: 'Ada', email: 'ada@example.com' }, { name: 'Bob' }])],
    fetch: async input => {
      told.push(String(input))
      return answer()
    },
  })
  const told: string[] = []
  const agent = 'https://agent.example/.well-known/aauth-agent'
  made.web.set(agent, { ...Object(made.web.get(agent)), redirect_uris: [redirect_uri] })
  publishResource(made, calendar, [made.resourceKey], {
    supported_scopes: ['events.read', 'events.write'],
    scope_descriptions: { 'events.read': 'See your events', 'events.write': 'Change your events' },
    revocation_endpoint: `${calendar}/aauth/revoked-grants`,
  })
  return { made, told }
}

/** A user allows an agent both scopes; resolves with its refresh token. */
async function granted(made: World, one: Browser, signer: Signer): Promise<string> {
  const scope = 'events.read events.write'
  const resource_token = await resourceToken(made, signer, { claims: { scope } })
  const asked = await bodyOf(
    await send(made, signer, { request_type: 'auth', resource_token, redirect_uri, state: 's' }),
  )
  const query = new URLSearchParams({ request_token: String(asked['request_token']), redirect_uri, state: 's' })
  const back = await allow(one, await open(one, `/agent/authorize?${query}`), scope.split(' '))
  const code = answerOf(back).searchParams.get('code') ?? ''
  const form = { request_type: 'code', code, request_token: String(asked['request_token']), redirect_uri }
  const { refresh_token } = await bodyOf(await send(made, signer, form))
  if (typeof refresh_token !== 'string') throw new Error('not granted')
  return refresh_token
}

async function signedIn(made: World, name: string): Promise<Browser> {
  const one = browser(made.auth, 'https://auth.example')
  await signInAs(one, name, '/account')
  return one
}

const pageOf = async (one: Browser): Promise<string> => (await one.get('/account')).text()
const refresh = async (made: World, signer: Signer, refresh_token: string) =>
  bodyOf(await send(made, signer, { request_type: 'refresh', refresh_token }))
const takeBack = async (one: Browser, fields: Record<string, string>, headers?: Record<string, string>) =>
  one.post('/account/take-back', { csrf: await one.csrf('/account'), ...fields }, headers)

describe('the account page', () => {
  test('asks who it is, then shows agents, what each may do in words, and since when', async () => {
    const { made } = await place()
    const anonymous = browser(made.auth, 'https://auth.example')
    expect(await pageOf(anonymous)).toContain('Sign in')
    const ada = await signedIn(made, 'Ada')
    expect(await pageOf(ada)).toContain('No agent has access')
    await granted(made, ada, agentServer(made))
    const page = await pageOf(ada)
    for (const words of [
      'agent.example',
      'calendar.example',
      'See your events',
      'Change your events',
      '1 January 2026',
    ])
      expect(page).toContain(words)
    expect(await pageOf(await signedIn(made, 'Bob'))).toContain('No agent has access')
  })

  test(verifies('ACC-12', 'takes one delegate back; its siblings go on, and the page says what happened'), async () => {
    const { made, told } = await place()
    const ada = await signedIn(made, 'Ada')
    const [phone, laptop] = [await delegate(made, 'phone'), await delegate(made, 'laptop')]
    const [ofPhone, ofLaptop] = [await granted(made, ada, phone), await granted(made, ada, laptop)]
    const answer = await takeBack(ada, { agent: 'https://agent.example', delegate: 'phone' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/account?done=1'])
    expect(await refresh(made, phone, ofPhone)).toMatchObject({ error: 'invalid_grant' })
    expect(await refresh(made, laptop, ofLaptop)).toHaveProperty('auth_token')
    await expect.poll(() => pageOf(ada)).toContain('Stopped at 00:00:00 UTC')
    expect(told).toEqual([`${calendar}/aauth/revoked-grants`])
    expect(made.events).toContainEqual(
      expect.objectContaining({ type: 'taken_back', agent: 'https://agent.example', delegate: 'phone', grants: 1 }),
    )
  })

  test(
    verifies(
      'REV-18',
      'REV-19',
      'says when tokens end by themselves where a resource is not reached, or others gave them',
    ),
    async () => {
      const { made, told } = await place(() => new Response('<script>alert(1)</script>', { status: 403 }))
      const ada = await signedIn(made, 'Ada')
      await granted(made, ada, agentServer(made))
      made.clock.now += 61
      await takeBack(ada, { what: 'all' })
      await expect.poll(() => pageOf(ada)).toContain('it answered 403; ends by itself at 00:11:01 UTC')
      const page = await pageOf(ada)
      expect(page).toContain('passed on by another auth server ends by itself at 00:11:01 UTC')
      expect(page).not.toContain('alert(1)')
      made.clock.now += 601
      expect(await pageOf(ada)).toContain('ended by itself at 00:11:01 UTC')
      expect(told.length).toBeGreaterThan(0)
      await made.auth.close()
    },
  )

  test.each([
    { what: 'names no endpoint', members: {}, words: 'Cannot be told; ends by itself at 01:10:00 UTC' },
    {
      what: 'names one elsewhere',
      members: { revocation_endpoint: 'https://evil.example/revoked' },
      words: 'Not reached yet; ends by itself at 01:10:00 UTC',
    },
  ])(
    verifies('REV-20', 'REV-31', 'says when tokens end by themselves where a resource $what'),
    async ({ members, words }) => {
      const { made, told } = await place()
      const ada = await signedIn(made, 'Ada')
      await granted(made, ada, agentServer(made))
      const supported_scopes = ['events.read', 'events.write']
      publishResource(made, calendar, [made.resourceKey], { supported_scopes, ...members })
      // Its document is read anew.
      made.clock.now += 3600
      await signInAs(ada, 'Ada', '/account')
      await takeBack(ada, { what: 'all' })
      await expect.poll(() => pageOf(ada)).toContain(words)
      expect(told).toEqual([])
      await made.auth.close()
    },
  )

  test('takes one scope back: what is left continues under a new name', async () => {
    const { made } = await place()
    const ada = await signedIn(made, 'Ada')
    const agent = agentServer(made)
    const token = await granted(made, ada, agent)
    const claims = (answer: Record<string, unknown>) =>
      JSON.parse(Buffer.from(String(answer['auth_token']).split('.')[1] ?? '', 'base64url').toString()) as {
        scope: string
        grant: string
      }
    const before = claims(await refresh(made, agent, token))
    await takeBack(ada, { agent: agent.agent, own: '1', resource: calendar, scope: 'events.write' })
    const after = claims(await refresh(made, agent, token))
    expect([before.scope, after.scope]).toEqual(['events.read events.write', 'events.read'])
    expect(after.grant).not.toBe(before.grant)
    const page = await pageOf(ada)
    expect([page.includes('See your events'), page.includes('Change your events')]).toEqual([true, false])
    // The last scope ends the grant.
    await takeBack(ada, { agent: agent.agent, own: '1', resource: calendar, scope: 'events.read' })
    expect(await refresh(made, agent, token)).toMatchObject({ error: 'invalid_grant' })
  })

  test(verifies('ACC-09', 'takes everything back, codes that wait and what is remembered too'), async () => {
    const { made } = await place()
    const ada = await signedIn(made, 'Ada')
    const agent = agentServer(made)
    const token = await granted(made, ada, agent)
    const resource_token = await resourceToken(made, agent, { claims: { scope: 'events.read' } })
    const form = { request_type: 'auth', resource_token, redirect_uri, state: 's' }
    const { request_token } = await bodyOf(await send(made, agent, form))
    const query = new URLSearchParams({ request_token: String(request_token), redirect_uri, state: 's' })
    // It is remembered: the code is there without a question.
    const code = answerOf(await open(ada, `/agent/authorize?${query}`)).searchParams.get('code') ?? ''
    expect(code).not.toBe('')
    await takeBack(ada, { what: 'all' })
    expect(await refresh(made, agent, token)).toMatchObject({ error: 'invalid_grant' })
    const redeemed = await send(made, agent, {
      request_type: 'code',
      code,
      request_token: String(request_token),
      redirect_uri,
    })
    expect(await bodyOf(redeemed)).toMatchObject({ error: 'invalid_grant' })
    expect(await pageOf(ada)).toContain('No agent has access')
    const again = await resourceToken(made, agent, { claims: { scope: 'events.read', jti: 'again' } })
    const asked = await bodyOf(await send(made, agent, { ...form, resource_token: again }))
    const asks = new URLSearchParams({ request_token: String(asked['request_token']), redirect_uri, state: 's' })
    expect(await (await open(ada, `/agent/authorize?${asks}`)).text()).toContain('Allow')
  })

  test(verifies('ACC-10', 'of another user takes nothing back'), async () => {
    const { made } = await place()
    const [ada, bob] = [await signedIn(made, 'Ada'), await signedIn(made, 'Bob')]
    const agent = agentServer(made)
    const token = await granted(made, ada, agent)
    const answer = await takeBack(bob, { agent: agent.agent })
    expect(answer.headers.get('location')).toBe('/account?done=0')
    expect(await refresh(made, agent, token)).toHaveProperty('auth_token')
  })

  test(verifies('ACC-02', 'takes nothing back for a request that its own form did not send'), async () => {
    const { made } = await place()
    const [ada, bob] = [await signedIn(made, 'Ada'), await signedIn(made, 'Bob')]
    const agent = agentServer(made)
    const token = await granted(made, ada, agent)
    const fields = { agent: agent.agent }
    const crossSite = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    expect((await takeBack(ada, fields, crossSite)).status).toBe(403)
    expect((await takeBack(ada, fields, { origin: 'null', 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await ada.get(`/account/take-back?${new URLSearchParams(fields)}`)).status).toBe(405)
    const csrf = await bob.csrf('/account')
    expect((await ada.post('/account/take-back', { csrf, ...fields })).status).toBe(403)
    for (const form of [{}, { what: 'all', agent: agent.agent }, { agent: 'nobody' }, { resource: calendar }])
      expect((await takeBack(ada, form as Record<string, string>)).status).toBe(400)
    expect((await ada.get('/account')).headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(await refresh(made, agent, token)).toHaveProperty('auth_token')
  })
})
