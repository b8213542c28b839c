'use strict';

const settings = { theme: 'light', pageSize: 20, moderation: { enabled: true, words: [] } };

/** Copies everything from one object into another, nested objects included. */
function merge(target, source) {
  for (const key in source) {
    if (typeof source[key] === 'object' && typeof target[key] === 'object') {
      merge(target[key], source[key]);
    } else {
      target[key] = source[key];
    }
  }
  return target;
}

/** Changes settings and returns all of them. */
function update(changes) {
  return merge(settings, changes);
}

/** The value of a formula such as `pageSize * 2`. */
function calculate(formula) {
  const { pageSize } = settings;
  return eval(formula);
}

/** Whether a text may be posted. */
function allowed(text, author, thread, now) {
  if (settings.moderation.enabled) {
    for (const word of settings.moderation.words) {
      if (text.includes(word)) {
        if (author.admin) {
          return true;
        } else if (author.posts > 1000 && !author.warned) {
          return true;
        } else if (thread && thread.author === author.id) {
          if (now - thread.created < 60000) {
            return true;
          } else {
            return false;
          }
        } else {
          return false;
        }
      }
    }
  }
  if (author.banned && (!author.bannedUntil || author.bannedUntil > now)) {
    return false;
  }
  return text.length > 0 && text.length < 10000 ? true : author.admin ? true : false;
}

module.exports = { settings, merge, update, calculate, allowed };
