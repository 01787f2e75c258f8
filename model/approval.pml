/*
 * Approval of a single call (docs/protocol.md §9.4): a resource wants a user's yes to one request, an auth server asks the user, and the
 * agent sends the very same request again.
 */
#include "terms.h"

#define approval_digest_of_request 1  /* approval.digest · APR-02 · as_approved */
#define approval_digest_of_display 2  /* approval.digest · APR-18 · as_approved */
#define approval_digest_at_agent   3  /* approval.compared · APR-20 · asked_about_own_request */
#define approval_challenge         4  /* approval.challenge · APR-08 · as_approved */
#define approval_once              5  /* approval.once · APR-03 · once */
#define approval_once_restart      6  /* approval.once · APR-05 · once */
#define approval_asked_each_time   7  /* approval.asked · APR-07 · user_said_yes */
#define approval_asked_user        8  /* approval.asked · APR-36 · user_said_yes */
#define approval_one_question      9  /* approval.one-question · APR-37 · user_said_yes */
#define approval_token_elsewhere   10 /* approval.token · APR-06 · nothing_else */
#define approval_token_key         11 /* approval.token · APR-33 · only_own_keys */
#define approval_inbox_caller      12 /* approval.inbox · APR-14 · only_own_keys */
#define auth_resource_token_key    13 /* auth.resource-token.key · RST-01 · as_approved */
#define token_binding              14 /* token.binding · AUT-04 · only_own_keys */

mtype = { nobody };
/* Both agents have a grant of Alice under which each payment needs her yes. Eve is the attacker's, and so is a stolen key of App. */
mtype = { App, Eve };
mtype = { app_key, stolen_app_key, eve_key };
/* The bytes of a request; and the rate that Bank shows with it, which changes by itself. */
mtype = { small_payment, large_payment };
mtype = { low_rate, high_rate };
mtype = { as_approved, asked_about_own_request, once, user_said_yes, nothing_else, only_own_keys };

/* A question at Auth, and the approval that comes of it; its place in the array is the `jti`. */
typedef Question {
  byte stage;                        /* 0: none, 1: open, 2: answered, 3: its token is issued, 4: worth nothing */
  mtype agent; mtype key;            /* who asks */
  mtype bytes; mtype rate;           /* what `digest` binds */
  mtype shown_bytes; mtype shown_rate; /* what `display` says */
  bool yes;                          /* Alice has said yes on this page */
  mtype cnf;                         /* the key of the token */
  bool before_restart;               /* the token was issued before the last start of Bank */
  bool repeated;                     /* App has sent its request again, under this token */
  bool taken;                        /* Bank remembers its use */
  byte carried_out
}
Question question[2];
/* Which of its two payments App asks about in a question. */
mtype own_bytes[2];
mtype rate = low_rate;
bool restarted;

#define key_of(agent) (agent == App -> app_key : eve_key)

/* §9.4, the question: `auth` with a resource token. An equal one that is open is worth nothing from then on. */
inline asks(n, asker, its_bytes, its_shown) {
  question[n].stage = 1; question[n].agent = asker; question[n].key = key_of(asker);
  question[n].bytes = its_bytes; question[n].rate = rate; question[n].shown_bytes = its_shown; question[n].shown_rate = rate;
  if
  :: n == 1 && question[0].stage == 1 && question[0].agent == asker && question[0].bytes == its_bytes && question[0].rate == rate &&
     !AWAY(approval_one_question) -> question[0].stage = 4
  :: AWAY(approval_asked_each_time) && n == 1 && question[0].yes && question[0].agent == asker && question[0].shown_bytes == its_shown ->
     printf("STEP Auth answers question 1 from memory.\n");
     question[1].stage = 2
  :: else
  fi
}

/* §9.4, the token: for whoever asked, under the key that asked. */
inline issues(n, caller, caller_key) {
  if
  :: question[n].stage == 2 && KEEP(approval_inbox_caller, question[n].agent == caller) &&
     KEEP(approval_token_key, question[n].agent != caller || question[n].key == caller_key) ->
       printf("STEP Auth gives %e under %e the approval of question %d.\n", caller, caller_key, n);
       PROPERTY(user_said_yes, question[n].yes);
       PROPERTY(only_own_keys, question[n].key == caller_key);
       question[n].stage = 3; question[n].cnf = caller_key
  :: else
  fi
}

/* §9.4, the repeat: Bank describes the request anew, compares, and takes the approval once. */
inline repeats(n, sent, signer_key) {
  if
  :: question[n].stage == 3 && KEEP(token_binding, question[n].cnf == signer_key) &&
     KEEP(approval_digest_of_request, question[n].bytes == sent) &&
     KEEP(approval_digest_of_display, question[n].rate == rate) &&
     KEEP(approval_once_restart, !question[n].before_restart) &&
     KEEP(approval_once, !question[n].taken) ->
       printf("STEP Bank carries out a %e at %e under the approval of question %d, signed by %e.\n", sent, rate, n, signer_key);
       PROPERTY(only_own_keys, question[n].key == signer_key);
       PROPERTY(as_approved, question[n].yes && question[n].shown_bytes == sent && question[n].shown_rate == rate);
       PROPERTY(once, question[n].carried_out == 0);
       question[n].taken = true; question[n].carried_out = 1;
       if :: question[n].agent == App -> COMPLETES(1) :: else -> COMPLETES(2) fi
  :: else
  fi
}

active proctype world() {
  byte n;
  mtype bytes = nobody, shown = nobody, caller = nobody, its_key = nobody;
  atomic {
    n = 0;
    do
    :: n < 2 -> question[n].agent = nobody; question[n].key = nobody; question[n].bytes = nobody; question[n].rate = nobody;
         question[n].shown_bytes = nobody; question[n].shown_rate = nobody; question[n].cnf = nobody; own_bytes[n] = nobody; n++
    :: else -> break
    od;
    n = 0
  }
  do
  /*
   * §9.4, challenge and digest: App has sent both payments, and Bank has challenged both. The attacker gives it either resource token as
   * the answer to either; App compares the digest with its own request before it asks.
   */
  :: atomic { CHOOSE2(n, 0, 1); CHOOSE2(own_bytes[n], small_payment, large_payment); CHOOSE2(bytes, small_payment, large_payment);
       if
       :: question[n].stage == 0 && (n == 0 || question[0].stage > 0) && KEEP(approval_digest_at_agent, own_bytes[n] == bytes) ->
            printf("STEP App sends a %e, is challenged for a %e at %e, and asks question %d.\n", own_bytes[n], bytes, rate, n);
            PROPERTY(asked_about_own_request, own_bytes[n] == bytes);
            asks(n, App, bytes, bytes)
       :: else -> if :: question[n].agent == App -> own_bytes[n] = question[n].bytes :: else -> own_bytes[n] = nobody fi
       fi;
       n = 0; bytes = nobody }

  /* Eve asks with a resource token of Bank, or one that she has made, whose words say something else than its digest. */
  :: atomic { CHOOSE2(n, 0, 1); CHOOSE2(bytes, small_payment, large_payment); CHOOSE2(shown, small_payment, large_payment);
       if
       :: question[n].stage == 0 && (n == 0 || question[0].stage > 0) && KEEP(auth_resource_token_key, shown == bytes) ->
            printf("STEP Eve asks question %d about a %e at %e, with a resource token that shows a %e.\n", n, bytes, rate, shown);
            asks(n, Eve, bytes, shown)
       :: else
       fi;
       n = 0; bytes = nobody; shown = nobody }

  /* §9.4: the page shows `display`, to the user whom `sub` names and to nobody else. */
  :: atomic { CHOOSE2(n, 0, 1);
       if
       :: question[n].stage == 1 ->
            question[n].stage = 2; question[n].yes = true;
            printf("STEP Alice says yes to question %d of %e: a %e at %e.\n", n, question[n].agent, question[n].shown_bytes, question[n].shown_rate);
            if
            :: AWAY(approval_one_question) && question[1 - n].stage == 1 && question[1 - n].agent == question[n].agent &&
               question[1 - n].bytes == question[n].bytes && question[1 - n].rate == question[n].rate ->
                 printf("STEP Auth takes that for the answer to the equal question %d, too.\n", 1 - n);
                 question[1 - n].stage = 2
            :: else
            fi
       :: else
       fi;
       n = 0 }
  :: atomic { AWAY(approval_asked_user) -> CHOOSE2(n, 0, 1);
       if
       :: question[n].stage == 1 && question[n].agent == Eve ->
            printf("STEP Mallory opens question %d, which is for Alice, and says yes.\n", n);
            question[n].stage = 2
       :: else
       fi;
       n = 0 }

  /* The answer is fetched: by App, or by the attacker under a key that it has, for whichever question. */
  :: atomic { CHOOSE2(n, 0, 1); issues(n, App, app_key); n = 0 }
  :: atomic { CHOOSE2(n, 0, 1);
       if :: caller = App; its_key = stolen_app_key :: caller = Eve; its_key = eve_key fi;
       issues(n, caller, its_key);
       n = 0; caller = nobody; its_key = nobody }

  /* App sends its request again; the attacker may deliver that as often as it likes. */
  :: atomic { CHOOSE2(n, 0, 1);
       if
       :: question[n].stage == 3 && question[n].agent == App && question[n].cnf == app_key ->
            if :: !question[n].repeated -> printf("STEP App signs its %e again.\n", own_bytes[n]); question[n].repeated = true :: else fi;
            repeats(n, own_bytes[n], app_key)
       :: else
       fi;
       n = 0 }
  /* The attacker sends any request, signed by a key that it has, under any approval. */
  :: atomic { CHOOSE2(n, 0, 1); CHOOSE2(bytes, small_payment, large_payment); CHOOSE2(its_key, stolen_app_key, eve_key);
       repeats(n, bytes, its_key);
       n = 0; bytes = nobody; its_key = nobody }
  /* A request that needs an approval, under the ordinary token of Eve. */
  :: atomic { AWAY(approval_challenge) ->
       printf("STEP Bank carries out a large_payment under the ordinary token of Eve.\n");
       PROPERTY(as_approved, false) }
  /* A request that needs none, under an approval. */
  :: atomic { CHOOSE2(n, 0, 1);
       if
       :: AWAY(approval_token_elsewhere) && question[n].stage == 3 && question[n].cnf == eve_key ->
            printf("STEP Bank carries out another operation of Eve under the approval of question %d.\n", n);
            PROPERTY(nothing_else, false)
       :: else
       fi;
       n = 0 }

  /* What Bank knows changes; and it starts anew, with an empty memory of what was taken. */
  :: atomic { rate == low_rate -> rate = high_rate; printf("STEP The rate changes.\n") }
  :: atomic { !restarted -> restarted = true;
       question[0].before_restart = question[0].stage == 3; question[1].before_restart = question[1].stage == 3;
       question[0].taken = false; question[1].taken = false;
       printf("STEP Bank starts anew.\n") }
  od
}
