import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import {
  type Enrolled,
  enrolled,
  enrollmentBody,
  newYear,
  post,
  renewal,
  type Scene,
  scene,
} from '../delegate.test.fixture.js'
import type { Invitation } from '../index.js'

const renewed = async (stage: Scene, delegate: Enrolled): Promise<number> =>
  (await stage.server.handle(await renewal(stage, delegate))).status

const enrols = async (stage: Scene, code: string): Promise<number> => {
  const key = await generateSigningKey()
  return (await stage.server.handle(await post(stage, { key, body: enrollmentBody(code) }))).status
}

test('delegates are listed in pages, by enrolment, with the time they were last seen', async () => {
  const stage = await scene()
  for (const sub of ['c', 'a', 'b']) await enrolled(stage, sub, 'lab')
  await enrolled(stage, 'other')
  stage.clock.now += 60
  const again = await enrolled(stage, 'b', 'lab')
  stage.clock.now += 60
  expect(await renewed(stage, again)).toBe(200)
  const page = await stage.server.list({ limit: 2, enrollment: 'code:lab' })
  expect(page.map(({ sub, created, last_seen }) => [sub, created, last_seen])).toEqual([
    ['a', newYear, newYear],
    ['b', newYear, newYear + 120],
  ])
  const rest = await stage.server.list({ after: 'b', enrollment: 'code:lab' })
  expect(rest.map(({ sub, enrollment }) => [sub, enrollment])).toEqual([['c', 'code:lab']])
  expect((await stage.server.list()).map(({ sub }) => sub)).toEqual(['a', 'b', 'c', 'other'])
  for (const limit of [0, 1001, 1.5, Number.NaN]) await expect(stage.server.list({ limit })).rejects.toThrow(RangeError)
})

test('delegates are found by sub and by the beginning of their label, and shown one by one', async () => {
  const stage = await scene()
  for (const [sub, label] of [
    ['phone', 'Ada’s Phone'],
    ['tablet', 'Kitchen Tablet'],
    ['watch', 'ada’s watch'],
  ] as const) {
    const { code } = await stage.server.invite({ sub, label, series: 'home' })
    expect(await enrols(stage, code)).toBe(200)
  }
  const found = async (search: string, more: object = {}): Promise<string[]> =>
    (await stage.server.list({ search, ...more })).map(({ sub }) => sub)
  expect(await found('ADA’S')).toEqual(['phone', 'watch'])
  expect(await found('ada', { limit: 1 })).toEqual(['phone'])
  expect(await found('ada', { after: 'phone' })).toEqual(['watch'])
  expect([await found('tablet'), await found('Kitchen T'), await found('%'), await found('hone')]).toEqual([
    ['tablet'],
    ['tablet'],
    [],
    [],
  ])
  expect(await stage.server.show('watch')).toMatchObject({
    sub: 'watch',
    label: 'ada’s watch',
    enrollment: 'code:home',
  })
  expect(await stage.server.show('x')).toBeUndefined()
  await stage.server.invite({ series: 'lab' })
  await stage.server.revoke('watch')
  const [home, lab] = [
    { enrollment: 'code:home', delegates: 3, revoked: 1, codes: 0 },
    { enrollment: 'code:lab', delegates: 0, revoked: 0, codes: 1 },
  ]
  expect(await stage.server.enrollments()).toEqual([home, lab])
  expect(await stage.server.enrollments({ limit: 1 })).toEqual([home])
  expect(await stage.server.enrollments({ after: 'code:home' })).toEqual([lab])
  expect([await stage.server.enrollment('code:lab'), await stage.server.enrollment('code:x')]).toEqual([lab, undefined])
  await expect(stage.server.enrollments({ limit: 0 })).rejects.toThrow(RangeError)
})

test(
  verifies(
    'delegate.enrol.refused',
    'revoking an enrolment ends all its delegates and its unused codes, and no others',
  ),
  async () => {
    const stage = await scene()
    const lab = [await enrolled(stage, 'a', 'lab'), await enrolled(stage, 'b', 'lab')]
    const home = await enrolled(stage, 'c', 'home')
    const unused = await stage.server.invite({ series: 'lab' })
    const kept = await stage.server.invite({ series: 'home' })
    stage.clock.now += 5
    expect(await stage.server.revokeEnrollment('code:lab')).toBe(2)
    expect(await stage.server.revokeEnrollment('code:lab')).toBe(0)
    expect(await stage.server.revokeEnrollment('code:la')).toBe(0)
    expect(await Promise.all(lab.map(delegate => renewed(stage, delegate)))).toEqual([401, 401])
    expect(await renewed(stage, home)).toBe(200)
    expect([await enrols(stage, unused.code), await enrols(stage, kept.code)]).toEqual([400, 200])
    const revoked = await stage.server.list({ enrollment: 'code:lab' })
    expect(revoked.map(({ sub, revoked: at }) => [sub, at])).toEqual([
      ['a', newYear + 5],
      ['b', newYear + 5],
    ])
    expect(stage.events.filter(({ type }) => type === 'enrollment_revoked')).toEqual([
      { type: 'enrollment_revoked', enrollment: 'code:lab', delegates: 2 },
      { type: 'enrollment_revoked', enrollment: 'code:lab', delegates: 0 },
      { type: 'enrollment_revoked', enrollment: 'code:la', delegates: 0 },
    ])
  },
)

test(verifies('delegate.enrol.refused', 'no earlier code enrols a delegate whose enrolment was revoked'), async () => {
  const stage = await scene()
  const phone = await enrolled(stage, 'phone', 'lab')
  const outstanding = await stage.server.invite({ sub: 'phone', series: 'other' })
  const kept = await stage.server.invite({ sub: 'laptop', series: 'other' })
  expect(await stage.server.revokeEnrollment('code:lab')).toBe(1)
  expect(await enrols(stage, outstanding.code)).toBe(400)
  expect(await renewed(stage, phone)).toBe(401)
  expect(await enrols(stage, kept.code)).toBe(200)
})

test('an empty enrolment name revokes nothing', async () => {
  const stage = await scene()
  const phone = await enrolled(stage, 'phone')
  await expect(stage.server.revokeEnrollment('')).rejects.toThrow(TypeError)
  expect(await renewed(stage, phone)).toBe(200)
})

test('a revoked delegate enrols by a new invitation or after `reinstate`, never with its old key', async () => {
  const stage = await scene()
  const before = await enrolled(stage, 'phone')
  expect(await stage.server.reinstate('phone')).toBe(false)
  expect(await stage.server.revoke('phone')).toBe(true)
  expect(await stage.server.revoke('phone')).toBe(false)
  expect(await stage.server.reinstate('phone')).toBe(true)
  expect(await stage.server.reinstate('nobody')).toBe(false)
  expect((await stage.server.list())[0]).not.toHaveProperty('revoked')
  expect(await renewed(stage, before)).toBe(401)
  await stage.server.revoke('phone')
  const after = await enrolled(stage, 'phone')
  expect([await renewed(stage, before), await renewed(stage, after)]).toEqual([401, 200])
})

test('an invitation with a malformed series, or without an end, is refused', async () => {
  const { server } = await scene()
  expect((await server.invite({ series: 'l'.repeat(128) })).enrollment).toBe(`code:${'l'.repeat(128)}`)
  for (const series of ['', 'a\nb', 'l'.repeat(129)]) await expect(server.invite({ series })).rejects.toThrow(TypeError)
  for (const expiresIn of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    await expect(server.invite({ expiresIn })).rejects.toThrow(RangeError)
  const without = await scene({ enrollment: [] })
  await expect(without.server.invite()).rejects.toThrow('codes()')
  expect(await enrols(without, 'A'.repeat(32))).toBe(400)
})

test(verifies('delegate.enrol.code', 'a label begins the sub of a new delegate, and is listed'), async () => {
  const stage = await scene()
  const enrol = async (invitation: Invitation): Promise<number> => {
    const body = enrollmentBody(invitation.code)
    return (await stage.server.handle(await post(stage, { key: await generateSigningKey(), body }))).status
  }
  const tablet = await stage.server.invite({ label: 'Küche: Tablet (2)' })
  expect(tablet).toMatchObject({
    label: 'Küche: Tablet (2)',
    sub: expect.stringMatching(/^kuche-tablet-2-[0-9a-f]{12}$/),
  })
  const other = await stage.server.invite({ label: '台所' })
  expect(other.sub).toMatch(/^[0-9a-f-]{36}$/)
  const named = await stage.server.invite({ label: 'My phone', sub: 'phone' })
  for (const invitation of [tablet, other, named]) expect(await enrol(invitation)).toBe(200)
  const labels = async () => new Map((await stage.server.list()).map(({ sub, label }) => [sub, label]))
  expect(await labels()).toEqual(
    new Map([
      [tablet.sub, 'Küche: Tablet (2)'],
      [other.sub, '台所'],
      ['phone', 'My phone'],
    ]),
  )
  // A later invitation without label keeps it.
  expect(await enrol(await stage.server.invite({ sub: 'phone' }))).toBe(200)
  expect((await labels()).get('phone')).toBe('My phone')
  for (const label of ['', 'x'.repeat(61), 'a\nb', 'a\u202eb', 'a\u2028b'])
    await expect(stage.server.invite({ label })).rejects.toThrow(TypeError)
})
