import type { ErrorCode } from '@countersign/protocol'
import { type RefusalTexts, refusalText, type ShownRefusal } from './refusals-en.js'

/** Says in German why something was refused. */
export function refusalInGerman(refusal: Pick<ShownRefusal, 'code' | 'reason' | 'about'>): string {
  return refusalText(refusalsDe, refusal) ?? byCode[refusal.code] ?? 'Die Anfrage ließ sich nicht bearbeiten.'
}

/** Why something was refused, in German. */
export const refusalsDe: RefusalTexts = {
  account_not_linked:
    'Das Konto meldet hier schon jemand anderen an. Es wurde nichts verknüpft. Melden Sie sich damit an, um zu sehen, wen.',
  'account_not_linked: a deleted account': 'Ihr Konto hier wurde gelöscht. Es wurde nichts verknüpft.',
  'account_not_linked: begun in another session':
    'Das wurde nicht in dieser Sitzung begonnen. Es wurde nichts verknüpft.',
  'account_not_linked: signed out': 'Sie sind nicht mehr angemeldet. Es wurde nichts verknüpft.',
  approval_stopped:
    'Sie haben diesem Agenten gesagt, dass er nicht mehr fragen soll. Ändern können Sie das in Ihrem Konto unter „Freigaben“.',
  asked_too_often: 'Dieser Agent hat Sie zu oft gefragt. Versuchen Sie es in ein paar Minuten noch einmal.',
  content_type_unsupported: 'Dieses Formular wurde nicht so gesendet, wie diese Seite es sendet.',
  dependency_unavailable: 'Ein Dienst, der dafür gebraucht wird, antwortet nicht. Versuchen Sie es später noch einmal.',
  'dependency_unavailable: the sign-in':
    'Der Dienst, bei dem Sie sich anmelden, antwortet nicht. Versuchen Sie es später noch einmal.',
  form_incomplete: 'Dem Formular fehlt eine Angabe, oder eine Angabe passt nicht zu dieser Seite.',
  'form_incomplete: an access that is not there': 'Diesen Zugriff gibt es nicht.',
  'form_incomplete: neither yes nor no': 'Das Formular sagt weder Ja noch Nein.',
  'form_incomplete: the box that says you are sure': 'Setzen Sie den Haken, mit dem Sie sagen, dass Sie sicher sind.',
  guesses_exceeded: 'Zu viele falsche Codes. Warten Sie zehn Minuten.',
  internal_error: 'Auf dem Server ist ein Fehler aufgetreten. Versuchen Sie es später noch einmal.',
  invitation_invalid:
    'Dieser Link ist unbekannt, wurde schon verwendet oder ist abgelaufen. Bitten Sie den Betreiber um einen neuen.',
  link_changed:
    'Dieser Link wurde verändert, nachdem der Agent ihn erstellt hatte. Beginnen Sie beim Agenten von vorn.',
  link_invalid: 'Dieser Link ist ungültig oder abgelaufen. Beginnen Sie beim Agenten von vorn.',
  link_of_another_browser:
    'Diese Anfrage wurde in einem anderen Browser geöffnet, oder dieser Browser speichert keine Cookies. Beginnen Sie beim Agenten von vorn.',
  page_not_from_here:
    'Dieses Formular kam nicht von dieser Seite, oder die Seite war zu alt. Gehen Sie zurück, und laden Sie sie neu.',
  parameter_malformed: 'Der Link nennt keine Seite dieses Servers.',
  passkey_copied:
    'Dieser Passkey wurde nicht angenommen: Sein Zähler lief rückwärts, wie bei einer Kopie. Melden Sie sich anders an, und entfernen Sie ihn aus Ihrem Konto.',
  passkey_invalid:
    'Dieser Passkey wurde nicht angenommen. Gehen Sie zurück, laden Sie die Seite neu, und versuchen Sie es noch einmal.',
  'passkey_invalid: an account with all passkeys that it may have':
    'Sie haben so viele Passkeys, wie ein Konto haben kann: Entfernen Sie zuerst einen.',
  parameter_too_long: 'Diese Anmeldung ist zu lang für die Cookies eines Browsers.',
  rate_exceeded: 'Aus Ihrem Netz oder von Ihnen kamen zu viele Anfragen. Warten Sie eine Minute.',
  redirect_uri_unregistered:
    'Der Agent nimmt unter der Adresse, die er angegeben hat, keine Antworten mehr an. Beginnen Sie beim Agenten von vorn.',
  request_ended: 'Diese Anfrage wurde bereits entschieden oder ist abgelaufen. Beginnen Sie beim Agenten von vorn.',
  'request_ended: a device code': 'Das wurde bereits entschieden, oder der Code ist abgelaufen.',
  'request_ended: an open question':
    'Diese offene Frage gibt es nicht: Sie wurde beantwortet, ist abgelaufen oder war nie da.',
  sign_in_cancelled: 'Die Anmeldung wurde abgebrochen.',
  sign_in_failed: 'Der Dienst, bei dem Sie sich anmelden, hat nicht bestätigt, wer Sie sind.',
  'sign_in_failed: no session of the site': 'Sie sind bei der Website, die Sie hier anmeldet, nicht angemeldet.',
  sign_in_way_last: 'Das ist Ihre letzte Anmeldemöglichkeit. Fügen Sie eine andere hinzu, bevor Sie sie entfernen.',
  sign_in_invalid:
    'Diese Anmeldung wurde nicht in diesem Browser begonnen, oder sie ist zu lange her. Beginnen Sie von vorn.',
  signed_out: 'Sie sind nicht mehr angemeldet.',
  user_blocked: 'Der Betreiber dieses Servers hat dieses Konto gesperrt.',
  user_mismatched:
    'Diese Anfrage ist für jemand anderen als die hier angemeldete Person. Haben Sie sie nicht selbst begonnen, schließen Sie diese Seite. Andernfalls melden Sie sich ab, und beginnen Sie mit dem richtigen Konto von vorn.',
}

const byCode: Partial<Record<ErrorCode, string>> = {
  access_denied: 'Das wird hier nicht erlaubt.',
  discovery_failed: 'Die Angaben eines beteiligten Servers ließen sich nicht abrufen.',
  expired_token: 'Diese Anfrage ist abgelaufen. Beginnen Sie beim Agenten von vorn.',
  invalid_grant: 'Diese Anfrage ist nicht mehr gültig. Beginnen Sie beim Agenten von vorn.',
  invalid_request: 'Der Server konnte diese Anfrage nicht verstehen.',
  policy_denied: 'Die Regeln dieses Servers erlauben das nicht.',
  rate_limited: 'Das waren zu viele Versuche. Warten Sie eine Weile.',
  server_error: 'Auf dem Server ist ein Fehler aufgetreten. Versuchen Sie es später noch einmal.',
  temporarily_unavailable: 'Das ist im Moment nicht verfügbar. Versuchen Sie es später noch einmal.',
}
