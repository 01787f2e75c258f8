// A user's browser at an auth server: it keeps cookies, follows redirects, and sends the forms of pages as a user would who agrees.

/** Opens a link, signs in, allows all scopes, and returns the URL at `callback` that the browser is sent back to. */
export async function agree(answer, link, callback) {
  const cookies = new Map()
  let step = { method: 'GET', url: link }
  for (let steps = 0; steps < 20; steps++) {
    if (step.url.startsWith(`${callback}?`)) return step.url
    step = await follow(answer, step, { cookies })
  }
  throw new Error('the user never got back')
}

/** Opens the page for codes, signs in, types the code that a device shows, and allows all scopes. */
export async function typeCode(answer, page, user_code) {
  const cookies = new Map()
  let step = { method: 'GET', url: page }
  for (let steps = 0; steps < 10; steps++) {
    step = await follow(answer, step, { cookies, user_code })
    if ('form' in step && 'decision' in step.form) return sent(answer, step, cookies)
  }
  throw new Error('the user was never asked')
}

/** Sends one request. Returns the next, by its redirect or by its page. */
async function follow(answer, step, { cookies, user_code }) {
  const response = await sent(answer, step, cookies)
  const location = response.headers.get('location')
  if (location !== null) return { method: 'GET', url: new URL(location, step.url).href }
  return nextOf(await response.text(), step.url, user_code)
}

async function sent(answer, { method, url, form }, cookies) {
  const { host, origin, pathname, search } = new URL(url)
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const posted = form === undefined ? undefined : new TextEncoder().encode(new URLSearchParams(form).toString())
  const response = await answer(origin, {
    method,
    target: pathname + search,
    peer: '192.0.2.9',
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

/** What the user does on a page: decides where it asks for a decision, with every scope ticked; types their code; else follows its button. */
function nextOf(page, url, user_code) {
  const forms = [...page.matchAll(/<form[^>]* action="([^"]+)"[^>]*>([\s\S]*?)<\/form>/g)]
  const formWith = name => forms.find(([, , inside]) => inside.includes(`name="${name}"`))
  const deciding = formWith('decision')
  const [, action, fields] = deciding ?? (user_code === undefined ? undefined : formWith('user_code')) ?? []
  if (action === undefined) return { method: 'GET', url: new URL(buttonOf(page, url), url).href }
  const hidden = [...fields.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
  // Limits stay as they are: none.
  const boxes = [...fields.matchAll(/<input type="checkbox" name="(scope:[^"]+)"/g)].map(([, name]) => [name, 'on'])
  const form = Object.fromEntries([...hidden.map(([, name, value]) => [name, value]), ...boxes])
  const yes = fields.includes('value="approve"') ? 'approve' : 'allow'
  const typed = deciding === undefined ? { user_code } : { decision: yes }
  return { method: 'POST', url: new URL(action, url).href, form: { ...form, ...typed } }
}

function buttonOf(page, url) {
  const [, href] = /<a class="button" href="([^"]+)"/.exec(page) ?? []
  if (href === undefined) throw new Error(`a page without a button: ${url}`)
  return href.replaceAll('&amp;', '&')
}
