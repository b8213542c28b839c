'use strict';

const { exec } = require('child_process');
const fs = require('fs');
const http = require('http');
const path = require('path');

const FOLDER = '/srv/board/attachments';

/** The content of an attachment. */
function read(folder, name) {
  return fs.readFileSync(path.join(FOLDER, folder, name));
}

/** Scans an attachment for viruses and calls back with the verdict. */
function scan(name, done) {
  exec('clamscan --no-summary ' + FOLDER + '/' + name, (error, output) => {
    done(output.endsWith('OK'));
  });
}

/** The first lines of a page somebody linked to. */
function preview(url) {
  return new Promise((resolve, reject) => {
    http.get(url, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve(text.slice(0, 500)));
    }).on('error', reject);
  });
}

/** A name for an attachment that nobody can guess. */
function secretName() {
  return Math.random().toString(36).slice(2);
}

/** Whether a text is a list of e-mail addresses. */
function isAddressList(text) {
  return /^([a-z0-9.]+@[a-z0-9.]+,?)+$/.test(text);
}

module.exports = { read, scan, preview, secretName, isAddressList };
