import { explain, throwOnRefusal } from '@countersign/agent'
import { signRequest } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountOf, lunch, lunchShown, type MailPlace, mailPlace, sendMail } from './mail-place.fixture.js'

// An app sends mail; its user approves each message at her auth server, before the very same bytes go out.

let place: MailPlace

beforeAll(async () => {
  place = await mailPlace()
})

afterAll(() => place.close())

const send = (body: string, path?: string): Promise<Response> => sendMail(place, body, path)

test(
  verifies(
    'APR-01',
    'approval.challenge',
    'approval.token',
    'the user approves one message, and the same bytes are sent once',
  ),
  async () => {
    const { sent, came, visits } = place
    const response = await send(lunch)
    expect([response.status, await response.json()], explain(response).reason).toEqual([200, { sent: 1 }])
    expect(sent).toEqual([lunch])
    const [asked, approved] = came.slice(-2)
    expect(asked?.body).toBe(approved?.body)
    expect(asked?.token).not.toHaveProperty('operation_digest')
    const { iat, exp, operation_digest, grant } = approved?.token ?? {}
    expect(operation_digest).toMatch(/^[\w-]{43}$/)
    expect(Number(exp) - Number(iat)).toBeLessThanOrEqual(300)
    expect(grant).not.toBe(asked?.token['grant'])
    expect(visits.map(({ operation }) => operation)).toEqual([undefined, lunchShown])
  },
)

test(
  verifies('APR-02', 'approval.digest', 'one other byte is another request, which the user is asked about anew'),
  async () => {
    const { came, visits } = place
    const before = visits.length
    expect((await send(lunch.replace('noon', 'nine'))).status).toBe(200)
    expect((await send(lunch, '/messages?draft=1')).status).toBe(200)
    expect(visits.length - before).toBe(2)
    const digests = came.flatMap(({ token }) => token['operation_digest'] ?? [])
    expect(new Set(digests).size).toBe(3)
  },
)

test(
  verifies('APR-29', 'approval.once', 'an answer that is lost is unknown: no second run, no second question'),
  async () => {
    const { sent, visits } = place
    const [ran, asked] = [sent.length, visits.length]
    place.cuts = true
    await expect(send(lunch)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('may have acted'),
    })
    place.cuts = false
    expect([sent.length - ran, visits.length - asked]).toEqual([1, 1])
  },
)

test(
  verifies('APR-03', 'approval.once', 'an approval that is sent a second time, signed anew, is a replay'),
  async () => {
    const { came, mail, sent, server, visits } = place
    const jwt = came.at(-1)?.jwt ?? ''
    const { key } = await server.signingKey()
    const [ran, asked] = [sent.length, visits.length]
    const headers: Array<[string, string]> = [['content-type', 'application/json']]
    const body = new TextEncoder().encode(lunch)
    const url = `${mail}/messages`
    const signed = await signRequest({
      method: 'POST',
      url,
      headers,
      body,
      key,
      signatureKey: { scheme: 'jwt', jwt },
    })
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: [...headers, ...signed.map(([n, v]): [string, string] => [n, v])],
    })
    expect([response.status, response.headers.get('agent-auth'), await response.json()]).toMatchObject([
      401,
      null,
      { error: 'replay_detected', reason: 'approval_used' },
    ])
    expect([sent.length - ran, visits.length - asked]).toEqual([0, 0])
  },
)

const post = { method: 'POST', body: lunch, headers: { 'content-type': 'application/json' } }

describe(verifies('approval.asked', 'approval.limits', 'a user who says no is heard at once:'), () => {
  test('the agent has a refusal that names the no, and the next call asks anew', async () => {
    const { sent, visits, agent } = place
    const [ran, asked] = [sent.length, visits.length]
    place.answers = ['No']
    const response = await send(lunch)
    expect([response.status, explain(response)]).toMatchObject([
      401,
      { outcome: 'gave_up', reason: expect.stringContaining('the user said no (access_denied)') },
    ])
    await expect(throwOnRefusal(agent.fetch)(`${place.mail}/messages`, post)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/^401: the user said no \(access_denied\)/),
    })
    expect([sent.length - ran, visits.length - asked]).toEqual([0, 2])
    place.answers = ['Approve once']
    expect((await send(lunch)).status).toBe(200)
    expect([sent.length - ran, visits.length - asked]).toEqual([1, 3])
  })

  test('and one who wants no more questions is not asked again, until they change that', async () => {
    const { sent, visits, auth } = place
    const [ran, asked] = [sent.length, visits.length]
    place.answers = ['No, and stop asking']
    const refused = await send(lunch)
    expect([refused.status, explain(refused).reason]).toEqual([
      401,
      expect.stringContaining('the user said no (access_denied)'),
    ])
    const resting = await send(lunch)
    expect([resting.status, explain(resting)]).toMatchObject([
      401,
      { outcome: 'gave_up', reason: expect.stringContaining('(403 access_denied approval_stopped)') },
    ])
    expect([sent.length - ran, visits.length - asked]).toEqual([0, 1])
    const ada = await accountOf(auth)
    expect(await ada.open('/account/approvals', ['Let it ask again'])).toContain('It may ask you again')
    place.answers = ['Approve once']
    expect((await send(lunch)).status).toBe(200)
    expect([sent.length - ran, visits.length - asked]).toEqual([1, 2])
  })
})
