// A user's browser at an auth server: it keeps cookies, follows redirects, and sends the forms of pages as a user would who agrees.

/** Opens a link, signs in, allows all scopes, and returns the URL of the app that the browser is sent back to. */
export async function agree(answer, link) {
  const cookies = new Map()
  let step = { method: 'GET', url: link }
  for (let steps = 0; steps < 10; steps++) {
    const { origin } = new URL(link)
    if (new URL(step.url).origin !== origin) return step.url
    const response = await sent(answer, step, cookies)
    const location = response.headers.get('location')
    step =
      location === null
        ? nextOf(await response.text(), step.url)
        : { method: 'GET', url: new URL(location, step.url).href }
  }
  throw new Error('the user never got back')
}

async function sent(answer, { method, url, form }, cookies) {
  const { host, origin, pathname, search } = new URL(url)
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const posted = form === undefined ? undefined : new TextEncoder().encode(new URLSearchParams(form).toString())
  const response = await answer(origin, {
    ...{ method, target: pathname + search, peer: '192.0.2.9' },
    headers: [
      ['host', host],
      ...(cookie === '' ? [] : [['cookie', cookie]]),
      ...(posted === undefined ? [] : formHeaders(origin)),
    ],
    ...(posted === undefined ? {} : { body: posted }),
  })
  for (const line of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
    cookies.set(name, value)
  }
  return response
}

function formHeaders(origin) {
  return [
    ['content-type', 'application/x-www-form-urlencoded'],
    ['origin', origin],
    ['sec-fetch-site', 'same-origin'],
  ]
}

/** What the user does on a page: decides where it asks for a decision, with every box ticked, and else follows its button. */
function nextOf(page, url) {
  const forms = [...page.matchAll(/<form[^>]* action="([^"]+)"[^>]*>([\s\S]*?)<\/form>/g)]
  const [, action, fields] = forms.find(([, , inside]) => inside.includes('name="decision"')) ?? []
  if (action === undefined) return { method: 'GET', url: new URL(buttonOf(page, url), url).href }
  const hidden = [...fields.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
  const boxes = [...fields.matchAll(/<input type="checkbox" name="([^"]+)"/g)].map(([, name]) => [name, 'on'])
  const form = Object.fromEntries([...hidden.map(([, name, value]) => [name, value]), ...boxes])
  return { method: 'POST', url: new URL(action, url).href, form: { ...form, decision: 'allow' } }
}

function buttonOf(page, url) {
  const [, href] = /<a class="button" href="([^"]+)"/.exec(page) ?? []
  if (href === undefined) throw new Error(`a page without a button: ${url}`)
  return href.replaceAll('&amp;', '&')
}
