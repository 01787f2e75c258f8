import { verifies } from '@countersign/requirements'
import { hiddenFields } from '@countersign/testing/browser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConsentPlace, consentPlace } from './consent-place.fixture.js'

// Over HTTP: a link that is given out must fit into the header block that servers read.

let place: ConsentPlace
beforeAll(async () => {
  place = await consentPlace()
})
afterAll(() => place.stop())

/** What a browser sends besides, at its longest: several sign-ins that were begun, and what it says about itself. */
const usual = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'user-agent': `Mozilla/5.0 ${'x'.repeat(160)}`,
  'accept-language': 'en-GB,en;q=0.9,de;q=0.8',
}

/** Opens a link, signs in as Ada, allows the request, and returns the URL of the last redirect. */
async function allow(link: string): Promise<string> {
  const cookies = new Map([[`countersign-login-${new URL(place.auth).port}`, 'A'.repeat(3500)]])
  async function send(target: string, form?: Record<string, string>): Promise<Response> {
    const response = await fetch(new URL(target, place.auth), {
      redirect: 'manual',
      headers: { ...usual, cookie: [...cookies].map(pair => pair.join('=')).join('; '), origin: place.auth },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    return location?.startsWith('/') ? send(location) : response
  }
  const signIn = await send(link)
  expect(signIn.status).toBe(200)
  const consent = await send('/login/demo', { ...hiddenFields(await signIn.text()), subject: 'ada' })
  const answer = await send('/agent/consent', {
    ...hiddenFields(await consent.text()),
    decision: 'allow',
    'scope:events.read': 'on',
  })
  expect(answer.status).toBe(303)
  return answer.headers.get('location') ?? ''
}

test(
  verifies('UIX-22', 'consent.redirect', 'every state that is taken makes a link that opens, and comes back'),
  async () => {
    for (const state of ['s'.repeat(512), '&code=x\r\né'.repeat(20)]) {
      const answer = await allow(await place.ask({ state }))
      expect(new URL(answer).searchParams.getAll('state')).toEqual([state])
      expect(new URL(answer).searchParams.getAll('code')).toHaveLength(1)
      const arrived = await fetch(answer, { redirect: 'manual', headers: usual })
      expect(arrived.status).toBe(303)
    }
    for (const state of ['&'.repeat(171), 's'.repeat(513), '&'.repeat(512)]) {
      await expect(place.ask({ state }), state.slice(0, 1)).rejects.toThrow('400: {"error":"invalid_request"')
    }
  },
)
