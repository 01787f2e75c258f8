import { verifies } from '@countersign/requirements'
import type { Answer } from '@countersign/testing/wire'
import { asHolder } from '@countersign/testing/world/signer'
import { parseItem, serializeString, Token } from 'structured-headers'
import { describe, expect, test } from 'vitest'
import { askForToken, type Stage } from './stage.test.fixture.js'

/** Texts that would end a String, begin another parameter, or could not stand in a header at all. */
const odd = ['"', '\\', 'a"; identity=?1; b="', ',', '?1', 'ü 李', 'a\r\nset-cookie: a=b']

/** The syntax of challenges is tested in the protocol package. Here: what a resource puts into them, whatever others have said. */
export function challenges(stage: Stage): void {
  describe('challenges', () => {
    ofOwnNames(stage)
    if (stage.adapter.inApp && stage.adapter.runtime === undefined) ofOthersWords(stage)
  })
}

function ofOwnNames({ world, site, holder }: Stage): void {
  test(
    verifies('RAT-10', 'challenge.syntax', 'no name of a caller stands in a challenge but inside a token'),
    async () => {
      const { refused, passes } = await site()
      for (const sub of odd.slice(0, -1)) {
        const as = asHolder(world.delegateKey, await world.agentToken({ sub }))
        const expected = { status: 401, challenge: askForToken }
        expect(parsed(await refused(await world.request({ as, target: '/events' }), expected))).toEqual({
          'auth-token': true,
          resource_token: expect.stringMatching(/^[\w.-]+$/),
          auth_server: 'https://auth.example',
        })
        await passes(await world.request({ as, target: '/agenda' }))
      }
    },
  )

  test(
    verifies('RAT-10', 'challenge.syntax', 'nor can such a name be that of the resource, or of an auth server'),
    async () => {
      for (const text of odd) {
        await expect(site({ id: `https://calendar.example/${text}` }), text).rejects.toThrow(TypeError)
        await expect(site({ authServers: [`https://auth.example${text}`] }), text).rejects.toThrow(TypeError)
      }
      const { passes } = await site({ authServers: ['https://auth.example'] })
      await passes(await world.request({ as: await holder(), target: '/events' }))
    },
  )
}

function ofOthersWords({ world, site, holder }: Stage): void {
  test(
    verifies(
      'RAT-10',
      'challenge.syntax',
      'the challenge is the resource’s own, whatever a service that its handler calls says',
    ),
    async () => {
      let said = ''
      const rooms: typeof fetch = async (input, init) => {
        const known = new Request(input, init).headers.get('signature-key')?.startsWith('sig=jwks_uri')
        return new Response(null, { status: 401, headers: { 'agent-auth': known ? said : 'httpsig; identity=?1' } })
      }
      const { send } = await site({ downstream: { acceptAuthServer: 'any', fetch: rooms } })
      const as = await holder()
      const call = async (challenge: string) => {
        said = challenge
        return send(await world.request({ as, target: '/away' }))
      }
      const page = (path: string) => `httpsig; user_interaction=${serializeString(`https://rooms.example/${path}`)}`
      for (const path of ['interact', ...odd.filter(text => /^[ -~]*$/.test(text))]) {
        const asked = await call(page(path))
        expect([asked.status, asked.error], path).toEqual([401, 'interaction_required'])
        const own = /^https:\/\/calendar\.example\/aauth\/interact\?session=[\w-]{43}$/
        expect(parsed(asked), path).toEqual({ user_interaction: expect.stringMatching(own) })
      }
      for (const text of odd.filter(text => /^[ -~]*$/.test(text))) {
        const server = serializeString(`https://auth.example${text}`)
        const refused = await call(`httpsig; auth-token; resource_token="a.b.c"; auth_server=${server}`)
        expect([refused.status, refused.headers.get('agent-auth')], text).toEqual([503, undefined])
      }
    },
  )
}

/** The parameters of a challenge that any parser of Structured Fields reads. */
function parsed(answer: Answer): Record<string, unknown> {
  const [item, parameters] = parseItem(answer.headers.get('agent-auth') ?? '')
  expect([item, answer.headers.has('set-cookie')]).toEqual([new Token('httpsig'), false])
  return Object.fromEntries(parameters)
}
