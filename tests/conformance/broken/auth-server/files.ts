const folder = 'conformance/dist/peer/auth-server'

// The built files of the reference peer.
export const account: string = `${folder}/account.js`
export const approval: string = `${folder}/approval.js`
export const callerFile: string = `${folder}/caller.js`
export const code: string = `${folder}/code-answer.js`
export const conditions: string = `${folder}/conditions.js`
export const consent: string = `${folder}/consent.js`
export const exchange: string = `${folder}/exchange.js`
export const grants: string = `${folder}/grants.js`
export const html: string = `${folder}/html.js`
export const link: string = `${folder}/link.js`
export const main: string = `${folder}/main.js`
export const notices: string = `${folder}/notices.js`
export const pages: string = `${folder}/pages.js`
export const redirect: string = `${folder}/redirect.js`
export const refusals: string = `${folder}/refusals.js`
export const requested: string = `${folder}/requested-access.js`
export const send: string = `${folder}/send.js`
export const settings: string = `${folder}/settings.js`
export const state: string = `${folder}/state.js`
export const token: string = `${folder}/token-endpoint.js`
export const values: string = `${folder}/values.js`
