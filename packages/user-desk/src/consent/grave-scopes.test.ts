import { askUsers } from '@countersign/auth-server'
import { verifies } from '@countersign/requirements'
import { answerOf, open } from '@countersign/testing/auth/consent'
import { type Account, formIn, type PasskeyWorld, passkeyWorld } from '@countersign/testing/auth/passkey-world'
import { allow } from '@countersign/testing/auth/two-auth-servers'
import { agentServer, resourceToken, send } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { sqliteFiles } from '@countersign/testing/folders'
import { bodyOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'

const newFile = sqliteFiles()
const calendar = 'https://calendar.example'
const redirect_uri = 'https://agent.example/callback'

async function place(): Promise<PasskeyWorld> {
  const at = await passkeyWorld({
    database: newFile(),
    policy: askUsers([{ agents: 'any', resources: [calendar] }]),
    deviceFlow: 'any',
  })
  const agent = 'https://agent.example/.well-known/aauth-agent'
  at.made.web.set(agent, { ...Object(at.made.web.get(agent)), redirect_uris: [redirect_uri] })
  mark(at, ['events.delete'])
  return at
}

/** The resource says which of its scopes are grave. */
function mark({ made }: PasskeyWorld, grave_scopes: readonly string[]): void {
  publishResource(made, calendar, [made.resourceKey], {
    supported_scopes: ['events.read', 'events.delete'],
    scope_descriptions: { 'events.read': 'See your events', 'events.delete': 'Delete your events' },
    grave_scopes: [...grave_scopes],
  })
}

/** Opens the question of an agent in the user's browser. */
async function asked(at: PasskeyWorld, { one }: Account, scope: string): Promise<Response> {
  const resource_token = await resourceToken(at.made, agentServer(at.made), { claims: { scope } })
  const form = { request_type: 'auth', resource_token, redirect_uri, state: 's' }
  const { request_token } = await bodyOf(await send(at.made, agentServer(at.made), form))
  const query = new URLSearchParams({ request_token: String(request_token), redirect_uri, state: 's' })
  return open(one, `/agent/authorize?${query}`)
}

const isCode = (response: Response): boolean => answerOf(response).searchParams.has('code')

test(verifies('consent.grave.fresh', 'a consent to a grave scope comes with the passkey of its user'), async () => {
  const at = await place()
  const ada = await at.account('Ada')
  at.made.clock.now += 61
  const page = await allow(ada.one, await asked(at, ada, 'events.read events.delete'), ['events.read', 'events.delete'])
  expect(page.status).toBe(200)
  const { action, options, fields } = formIn(await page.text())
  expect([action, fields['decision'], fields['scope:events.delete']]).toEqual(['/agent/consent', 'allow', 'on'])
  const post = (credential: string) => ada.one.post(action, { ...fields, credential })
  expect((await post(ada.passkey.signed(options, { without: 4 }))).status).toBe(400)
  expect((await post((await at.account('Bob')).passkey.signed(options))).status).toBe(400)
  expect(isCode(await post(ada.passkey.signed(options)))).toBe(true)
  expect(at.events.at(-1)).toMatchObject({ type: 'consented', scope: ['events.read', 'events.delete'] })
})

test(
  verifies('consent.grave.fresh', 'a consent to other scopes, a no, and a user who was just verified need none'),
  async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const both = 'events.read events.delete'
    expect(isCode(await allow(ada.one, await asked(at, ada, both), ['events.read', 'events.delete']))).toBe(true)
    at.made.clock.now += 61
    expect(isCode(await allow(ada.one, await asked(at, ada, both), ['events.read']))).toBe(true)
  },
)

test(
  verifies('consent.grave.fresh', 'a consent is asked for each time, also where a scope became grave since'),
  async () => {
    const at = await place()
    mark(at, [])
    const ada = await at.account('Ada')
    const [scope, both] = ['events.read events.delete', ['events.read', 'events.delete']]
    expect(isCode(await allow(ada.one, await asked(at, ada, scope), both))).toBe(true)
    expect(isCode(await asked(at, ada, scope))).toBe(true)
    mark(at, ['events.delete'])
    // By then the metadata of before are no longer used.
    at.made.clock.now += 1800
    for (let time = 0; time < 2; time++) {
      const question = await asked(at, ada, scope)
      expect([question.status, await question.clone().text()]).toEqual([200, expect.stringContaining('Far-reaching:')])
      const { action, options, fields } = formIn(await (await allow(ada.one, question, both)).text())
      expect(isCode(await ada.one.post(action, { ...fields, credential: ada.passkey.signed(options) }))).toBe(true)
      at.made.clock.now += 61
    }
    expect(isCode(await asked(at, ada, 'events.read'))).toBe(true)
  },
)

test(verifies('consent.grave.fresh', 'a consent to a device is no exception'), async () => {
  const at = await place()
  const ada = await at.account('Ada')
  const resource_token = await resourceToken(at.made, agentServer(at.made), { claims: { scope: 'events.delete' } })
  const begun = await bodyOf(await send(at.made, agentServer(at.made), { request_type: 'device_auth', resource_token }))
  at.made.clock.now += 61
  const csrf = await ada.one.csrf('/device')
  const typed = await ada.one.post('/device', { csrf, user_code: String(begun['user_code']) })
  const yes: Record<string, string> = {
    ...hiddenFields(await typed.text()),
    decision: 'allow',
    'scope:events.delete': 'on',
  }
  const { action, options, fields } = formIn(await (await ada.one.post('/device', yes)).text())
  expect([action, fields['user_code']]).toEqual(['/device', yes['user_code']])
  const done = await ada.one.post(action, { ...fields, credential: ada.passkey.signed(options) })
  expect(await done.text()).toContain('Your device goes on by itself')
})

test(
  verifies('consent.grave.fresh', 'what is remembered counts only with the metadata of its resource at hand'),
  async () => {
    const at = await place()
    mark(at, [])
    const ada = await at.account('Ada')
    const scope = 'events.read'
    expect(isCode(await allow(ada.one, await asked(at, ada, scope), [scope]))).toBe(true)
    const resource_token = await resourceToken(at.made, agentServer(at.made), { claims: { scope } })
    const form = { request_type: 'auth', resource_token, redirect_uri, state: 's' }
    const { request_token } = await bodyOf(await send(at.made, agentServer(at.made), form))
    const query = new URLSearchParams({ request_token: String(request_token), redirect_uri, state: 's' })
    // The metadata have expired, and the resource does not answer.
    at.made.clock.now += 500
    at.made.web.delete(`${calendar}/.well-known/aauth-resource`)
    const page = await open(ada.one, `/agent/authorize?${query}`)
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('asks for your access')])
  },
)

test(verifies('account.deleted', 'an account that was deleted while the page was open allows nothing'), async () => {
  const at = await place()
  const ada = await at.account('Ada')
  const { device_code, user_code } = await bodyOf(
    await send(at.made, agentServer(at.made), {
      request_type: 'device_auth',
      resource_token: await resourceToken(at.made, agentServer(at.made), { claims: { scope: 'events.read' } }),
    }),
  )
  const csrf = await ada.one.csrf('/device')
  const typed = await ada.one.post('/device', { csrf, user_code: String(user_code) })
  const yes = { ...hiddenFields(await typed.text()), decision: 'allow', 'scope:events.read': 'on' }
  const [, deleted] = await Promise.all([
    ada.one.post('/device', yes),
    ada.one.post('/account/delete', { csrf, sure: '1' }),
  ])
  expect(deleted.status).toBe(200)
  const poll = { request_type: 'device_code', device_code: String(device_code) }
  expect(await bodyOf(await send(at.made, agentServer(at.made), poll))).not.toHaveProperty('auth_token')
})
