import { join } from 'node:path'
import { explain } from '@countersign/agent'
import { fileState, loopback } from '@countersign/agent/node'
import { importSigningKey, parseSignatureKey, signRequest } from '@countersign/httpsig'
import type { TracedExchange } from '@countersign/server'
import { requestTypes, type Stage, stateIn } from '../stage.js'
import type { Asked, Decision } from '../story-user.js'

type KeyOfState = Parameters<typeof importSigningKey>[0]

/** Each payment needs the yes of the user who pays, for exactly this payment. */
export async function approval(stage: Stage): Promise<void> {
  const { rooms, agentServer } = stage.participants.addresses
  const { code, sub } = await stage.invite()
  const file = join(stage.participants.folder, `delegate-${sub}.json`)
  const ada = stage.user('Ada Lovelace')
  // bound: one call
  const asked: Asked[] = []
  const answer = { decision: 'Allow' as Decision }
  const open = async (link: string): Promise<void> => void asked.push(await ada.decide(link, answer.decision))
  const agent = stage.delegate(code, fileState(file), loopback({ open })).forUser('ada')
  const pay = (payment: object): Promise<Response> =>
    agent.fetch(`${rooms}/payments`, {
      method: 'POST',
      body: JSON.stringify(payment),
      headers: { 'content-type': 'application/json' },
    })

  const first = await pay({ amount: 40, for: 'the library' })
  stage.expect('an agent pays, with one call', first.status, 201)
  const [access, call] = asked
  stage.expect('the user was asked for access first', access?.choices.join(), 'Pay for rooms, at your expense')
  stage.expect('then for this very payment, in the words of the resource', call?.call, 'Pay 40 euros for the library')
  stage.expect(
    'each time the agent got a code, and its token with it',
    requestTypes(await stage.messages()),
    'auth code auth code',
  )

  await tryTheft(stage, stateIn(file)[`key delegate ${agentServer} 1`] as KeyOfState)

  answer.decision = 'Refuse'
  const refused = await pay({ amount: 4000, for: 'the library' })
  stage.expect(
    'the agent asks to pay more, and the user sees how much',
    asked.at(-1)?.call,
    'Pay 4000 euros for the library',
  )
  stage.expect('the user says no, and nothing is paid', refused.status, 401)
  stage.expect('and the agent knows why', explain(refused).reason?.includes('the user said no'), true)
  stage.expect('so far one payment was made', payments(await stage.messages()).length, 1)

  answer.decision = 'Allow'
  const second = await pay({ amount: 40, for: 'the library' })
  stage.expect('to pay the same again takes another yes', `${second.status} ${asked.length}`, '201 4')
  stage.expect('for access the user was asked once', asked.filter(({ call }) => call === '').length, 1)
}

/** What a thief with the agent's own key could try. */
async function tryTheft(stage: Stage, key: KeyOfState): Promise<void> {
  const paid = lastPayment(await stage.messages())
  const again = await signedAnew(paid, key, { amount: 40, for: 'the library' })
  stage.expect('the same payment once more under that yes is refused', await told(again), '401 approval_used')
  stage.expect('there is no challenge, since nobody is to be asked again', again.headers.has('agent-auth'), false)
  const changed = await signedAnew(paid, key, { amount: 4000, for: 'the library' })
  stage.expect(
    'a changed payment under that yes is refused: it needs a yes of its own',
    await told(changed),
    '401 approval_needed',
  )
}

function payments(messages: readonly TracedExchange[]): TracedExchange[] {
  return messages.filter(({ request, response }) => request.target === '/payments' && response.status === 201)
}

function lastPayment(messages: readonly TracedExchange[]): TracedExchange {
  const last = payments(messages).at(-1)
  if (last === undefined) throw new Error('nothing was paid')
  return last
}

/** Another request under the token of one that was made, signed with the right key. */
async function signedAnew({ to, request }: TracedExchange, jwk: KeyOfState, payment: object): Promise<Response> {
  const shown = request.headers.find(([name]) => name.toLowerCase() === 'signature-key')?.[1] ?? ''
  const { key: signatureKey } = parseSignatureKey(shown)
  const url = `${to}${request.target}`
  const body = new TextEncoder().encode(JSON.stringify(payment))
  const headers = { 'content-type': 'application/json' }
  const added = await signRequest({
    method: 'POST',
    url,
    key: await importSigningKey(jwk),
    signatureKey,
    headers: Object.entries(headers),
    body,
  })
  return fetch(url, { method: 'POST', body, headers: { ...headers, ...Object.fromEntries(added) } })
}

async function told(response: Response): Promise<string> {
  const { reason } = (await response.json()) as { readonly reason?: string }
  return `${response.status} ${reason}`
}
