// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what stands in these strings is code of the peer.
import type { BrokenPeer } from '../broken-peer.js'
import { html, pages } from './files.js'

/** Pages that a page of another origin may put into a frame. */
export function framing(): readonly BrokenPeer[] {
  return [
    {
      clause: 'consent.browser',
      words: 'Pages and sessions must withstand forgery, framing, script and guessing',
      file: html,
      find: "'content-security-policy': \"default-src 'none'; frame-ancestors 'none'; base-uri 'none'\",\n            'x-frame-options': 'DENY',",
      replace: '',
      cases: ['UIX-07'],
    },
  ]
}

/** Pages on which markup of others is markup. */
export function unescaped(): readonly BrokenPeer[] {
  const texts = [
    ['escaped(name)}”', 'name}”', 'consent.browser'],
    ['escaped(delegate)', 'delegate', 'consent.browser'],
    ['escaped(purpose)', 'purpose', 'consent.browser'],
    ['escaped(String(said[word] ?? word))', '(said[word] ?? word)', 'consent.browser'],
    ['escaped(String(said[name] ?? name))', '(said[name] ?? name)', 'consent.browser'],
    ['escaped(sentence(one))', 'sentence(one)', 'consent.browser'],
    ['escaped(described)', 'described', 'APR-15'],
    ['at % 2 === 0 ? escaped(text)', 'at % 2 === 0 ? text', 'APR-15'],
    ['<q class="value">${escaped(text)}', '<q class="value">${text}', 'APR-15'],
  ]
  return texts.map(([find = '', replace = '', id = '']) => ({
    clause: 'consent.browser',
    words: 'Pages and sessions must withstand forgery, framing, script and guessing',
    file: pages,
    find,
    replace,
    cases: [id],
  }))
}

/** Pages that do not show something. */
export function leftOut(
  texts: ReadonlyArray<readonly [words: string, find: string, replace: string]>,
): readonly BrokenPeer[] {
  return texts.map(([words, find, replace]) => {
    return { clause: 'consent.page', words, file: pages, find, replace, cases: ['consent.page'] }
  })
}
