/** Where users see which agents have access. */
export const accountPath = '/account'
/** Where users add limits to what an agent may do. */
export const limitsPath = '/account/limits'
/** Where users see how they sign in, and where they are signed in. */
export const waysPath = '/account/sign-in'
/** Where users get their data, and delete their account. */
export const dataPath = '/account/data'
/** Where a user is verified anew. */
export const verifyPath = '/account/verify'
/** Where a user makes an account, or adds a passkey by a link of the operator. */
export const newAccountPath = '/account/new'
