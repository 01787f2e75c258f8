import { type DeviceCode, deviceCode, explain } from '@countersign/agent'
import type { Stage } from '../stage.js'
import type { Asked } from '../story-user.js'

/** An agent without a browser shows a code; its users type it on their own devices, and decide there. */
export async function device(stage: Stage): Promise<void> {
  const { calendar, agentServer, authServer } = stage.participants.addresses
  // bound: one call
  const shown = new Map<string, { readonly code: DeviceCode; readonly asked: Asked }>()
  const [ada, grace] = [stage.user('Ada Lovelace'), stage.user('Grace Hopper')]
  const show = async (code: DeviceCode): Promise<void> => {
    const asked = await (code.user === 'ada' ? ada.typeIn(code, 'Allow') : grace.typeIn(code, 'Refuse'))
    shown.set(code.user ?? '', { code, asked })
  }
  const { code, sub } = await stage.invite()
  const agent = stage.delegate(code, undefined, deviceCode({ show }))
  const add = (user: string): Promise<Response> =>
    agent.forUser(user).fetch(`${calendar}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ summary: 'Film night', start: '2026-12-11', end: '2026-12-12' }),
    })

  // Both at once: the agent polls the auth server every five seconds.
  const [allowed, refused] = await Promise.all([add('ada'), add('grace')])
  stage.expect('one call waits until a user has typed in the code, and passes', allowed.status, 201)
  const [hers, others] = [shown.get('ada'), shown.get('grace')]
  stage.expect('the code is typed in at the auth server', hers?.code.verification_uri, `${authServer}/device`)
  stage.expect('it is short, and easy to tell apart', /^[A-Z]{4}-[A-Z]{4}$/.test(hers?.code.user_code ?? ''), true)
  stage.expectOther('each user has another', hers?.code.user_code, others?.code.user_code)
  const hosts = [agentServer, calendar].map(id => new URL(id).host)
  stage.expect('she saw who asks for what', hers?.asked.heading, hosts.join(' asks for your access to '))
  stage.expect('in the calendar’s own words', hers?.asked.choices.join(', '), 'Add events to your calendar')
  const answer = await agent.forUser('ada').fetch(`${calendar}/whoami`)
  const facts = (await answer.json()) as { delegate: string; scope: string[]; user?: { iss: string } }
  stage.expect('the calendar sees which delegate', facts.delegate, sub)
  stage.expect('with the scope she allowed', facts.scope.join(' '), 'events.write')
  stage.expect('for a user of this auth server', facts.user?.iss, authServer)
  stage.expect('another user refuses, and her call ends with the challenge', refused.status, 401)
  stage.expect('the agent knows why', explain(refused).reason?.includes('the user said no'), true)
  const again = await add('ada')
  stage.expect('the first one’s next call passes without a code', again.status, 201)
  const added = (await stage.messages()).filter(
    ({ request, response }) => request.target === '/events' && response.status === 201,
  )
  stage.expect('nothing was added for the one who refused', added.length, 2)
}
