import { createHash } from 'node:crypto'
import { german } from '@countersign/testing/auth/look'
import { world } from '@countersign/testing/auth/world'
import { describe, expect, test } from 'vitest'
import { demoUsers } from '../login/login-method.js'
import { type Branding, brandOf } from './brand.js'
import { contrastOf, onAccent } from './contrast.js'
import { everyPage } from './every-page.test.fixture.js'

/** One red pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
)

function refusalOf(branding: Branding): string {
  try {
    brandOf(branding)
  } catch (error) {
    if (error instanceof TypeError) return error.message
    throw error
  }
  return ''
}

describe('branding', () => {
  test('a page served shows name, logo and colours, and its policy has the hash of its own stylesheet', async () => {
    const branding = { name: 'Example <b>Bank</b>', logo: png, accent: '#7a1fa2', accentDark: '#e1a6f5' }
    const made = await world({ development: true, login: [demoUsers([{ name: 'Ada' }])], branding })
    const answer = await made.auth.handle({ method: 'GET', target: '/login', headers: [['host', 'auth.example']] })
    const html = await answer.text()
    expect(html).toContain('<title>Sign in to auth.example · Example &lt;b&gt;Bank&lt;/b&gt;</title>')
    expect(html).toContain(`<header class="brand"><img src="data:image/png;base64,${png.toString('base64')}" alt=""/>`)
    expect(html).toContain('<bdi>Example &lt;b&gt;Bank&lt;/b&gt;</bdi></header>')
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(html) ?? []
    expect(style).toContain('--accent:#7a1fa2;--on-accent:#fff')
    expect(style).toContain('--accent:#e1a6f5;--on-accent:#000')
    const hash = createHash('sha256').update(style).digest('base64')
    expect(answer.headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'; img-src data:;`)
  })

  test('stands on every page; a logo alone is called by the host', () => {
    const look = { ...german, brand: brandOf({ logo: png }) }
    for (const [name, page] of Object.entries(everyPage)) {
      expect(page(look), name).toContain('alt="auth.example"/></header>')
      expect(page(german), name).not.toContain('class="brand"')
    }
  })

  test('a colour that is hard to read is refused, with its contrast', () => {
    expect(refusalOf({ accent: '#ffcc00' })).toBe(
      "userDesk: option 'branding.accent' #ffcc00 has a contrast of 1.38:1 with the page; at least 4.5:1 is needed to be readable",
    )
    expect(refusalOf({ accentDark: '#0b57d0' })).toMatch(/'branding.accentDark' #0b57d0 has a contrast of 2\.\d+:1/)
    expect(refusalOf({ accent: '#777' })).toContain('contrast of 4.')
    for (const fit of [{ accent: '#0b57d0' }, { accent: '#06C' }, { accentDark: '#fc0' }])
      expect(refusalOf(fit)).toBe('')
    for (const accent of ['red', '#12', '#12345', '#1234567', '#0b57d0;x', 'url(x)', '', '#0b57d0\n'])
      expect(refusalOf({ accent }), accent).toContain('must be a colour such as #0b57d0')
  })

  test('text on any accent can be read', () => {
    expect([contrastOf('#000', '#ffffff'), contrastOf('#777777', '#777')]).toEqual([21, 1])
    for (let grey = 0; grey < 256; grey++) {
      const accent = `#${grey.toString(16).padStart(2, '0').repeat(3)}`
      expect(contrastOf(accent, onAccent(accent)), accent).toBeGreaterThanOrEqual(4.5)
    }
  })

  test('a name must be one short visible line, and a logo a small still picture', () => {
    for (const name of ['', ' ', 'a\nb', 'x'.repeat(61), '\u202ename'])
      expect(refusalOf({ name }), name).toContain("'branding.name' must be one visible line")
    expect(refusalOf({ name: 'Stadtwerke Köln' })).toBe('')
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>')
    for (const logo of [new Uint8Array(), svg, Buffer.concat([png, Buffer.alloc(64 * 1024)])])
      expect(refusalOf({ logo })).toContain("'branding.logo' must be a still PNG, JPEG or WebP")
  })

  test('is checked before anything is opened, and knows its members', async () => {
    const open = async (branding: object): Promise<unknown> =>
      world({ development: true, login: [demoUsers([{ name: 'Ada' }])], branding } as never).catch(
        (error: unknown) => error,
      )
    expect(await open({ accent: '#fff' })).toEqual(expect.objectContaining({ message: expect.stringContaining('1:1') }))
    expect(await open({ colour: '#000' })).toEqual(
      expect.objectContaining({ message: expect.stringContaining("unknown option 'branding.colour'") }),
    )
    expect(await open({ logo: 'data:image/png;base64,AAAA' })).toBeInstanceOf(TypeError)
  })
})
