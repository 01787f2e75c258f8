import type { PeerAnswer } from '../shared/refusal.js'

/** A text as it may stand in a page, in attributes, too. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, one => entities[one] ?? one)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** The verified host of an identifier. */
export function hostOf(id: string): string {
  return new URL(id).host
}

/** A page of the auth server, which no other page can frame and which runs no script. */
export function pageAnswer(title: string, body: string, status = 200): PeerAnswer {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    },
    body: `<!doctype html><html lang="en"><title>${escaped(title)}</title><body><h1>${escaped(title)}</h1>${body}</body></html>`,
  }
}

/** A page that says why nothing was done, and nothing of any request. */
export function errorPage(status: number, text: string): PeerAnswer {
  return pageAnswer('This does not work', `<p>${escaped(text)}</p>`, status)
}

/** Sends the browser on. */
export function seeOther(location: string): PeerAnswer {
  return { status: 303, headers: { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' } }
}

/** A form with hidden fields and what is pressed. */
export function formHtml(action: string, fields: Readonly<Record<string, string>>, inside: string): string {
  const hidden = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`,
  )
  return `<form method="post" action="${action}">${hidden.join('')}${inside}</form>`
}

/** A button that sends its form. */
export function button(name: string, value: string, text: string): string {
  return `<button name="${name}" value="${escaped(value)}">${escaped(text)}</button>`
}
