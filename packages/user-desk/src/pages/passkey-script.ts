/**
 * The one script of these pages, for passkeys alone; its hash stands in their policy. It asks the browser for a passkey when a form with
 * `data-passkey` is sent, puts the answer into the form, and sends it. It loads nothing and calls nothing.
 */
export const passkeyScript: string = `
'use strict'
const bytes = text => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), char => char.charCodeAt(0))
const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
const listed = list => list.map(each => ({ ...each, id: bytes(each.id) }))
async function credentialFor(form) {
  const options = JSON.parse(form.dataset.options)
  options.challenge = bytes(options.challenge)
  if (form.dataset.passkey === 'get') {
    options.allowCredentials = listed(options.allowCredentials)
    const { id, type, response } = await navigator.credentials.get({ publicKey: options })
    const { clientDataJSON, authenticatorData, signature, userHandle } = response
    const parts = { clientDataJSON, authenticatorData, signature, ...(userHandle ? { userHandle } : {}) }
    return { id, type, response: Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, text(value)])) }
  }
  const typed = form.querySelector('[data-user-name]')
  if (typed) options.user.name = options.user.displayName = typed.value
  options.user.id = bytes(options.user.id)
  options.excludeCredentials = listed(options.excludeCredentials)
  const { id, type, response } = await navigator.credentials.create({ publicKey: options })
  const { clientDataJSON, attestationObject } = response
  return { id, type, response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) } }
}
for (const form of document.querySelectorAll('form[data-passkey]')) {
  const [told, button] = [form.querySelector('[role=alert]'), form.querySelector('button')]
  const say = words => { told.textContent = words; told.hidden = words === '' }
  if (!window.PublicKeyCredential) {
    say(form.dataset.missing)
    button.disabled = true
  }
  form.addEventListener('submit', async event => {
    event.preventDefault()
    say('')
    button.disabled = true
    try {
      const credential = await credentialFor(form)
      form.elements.namedItem('credential').value = JSON.stringify(credential)
      form.submit()
    } catch (error) {
      button.disabled = false
      say(error.name === 'InvalidStateError' ? form.dataset.known : form.dataset.failed)
    }
  })
}
`
