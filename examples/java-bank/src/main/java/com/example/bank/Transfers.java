package com.example.bank;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Random;

/** Moves money from one account to another. */
public class Transfers {
    private final Accounts accounts = new Accounts();
    private static int count = 0;

    /** A number the customer has to type in to confirm a transfer. */
    public String confirmationCode() {
        Random random = new Random();
        return String.format("%06d", random.nextInt(1_000_000));
    }

    /** Moves an amount; true when it was moved. */
    public boolean move(long from, long to, long cents) {
        try {
            if (accounts.balance(from) < cents) {
                return false;
            }
            add(from, -cents);
            add(to, cents);
            count++;
        } catch (Exception e) {
        }
        return true;
    }

    private void add(long id, long cents) throws SQLException {
        Connection connection = Accounts.connect();
        PreparedStatement statement =
                connection.prepareStatement("UPDATE accounts SET cents = cents + ? WHERE id = ?");
        statement.setLong(1, cents);
        statement.setLong(2, id);
        statement.executeUpdate();
    }

    public long fee(long cents, String kind, String country, boolean express, boolean premium, int perMonth) {
        long fee = 0;
        if (kind.equals("domestic")) {
            if (express) {
                fee = premium ? 50 : 150;
            } else if (perMonth > 20) {
                fee = premium ? 0 : 20;
            }
        } else if (kind.equals("sepa")) {
            if (country.equals("CH") || country.equals("GB")) {
                if (express) {
                    fee = 500;
                } else if (cents > 100_000) {
                    fee = 300;
                } else {
                    fee = 200;
                }
            } else if (express) {
                fee = 150;
            }
        } else if (kind.equals("abroad")) {
            if (cents > 1_000_000) {
                fee = cents / 1000;
            } else if (cents > 100_000) {
                fee = cents / 500;
            } else {
                fee = 1500;
            }
            if (express) {
                fee += 1000;
            }
            if (premium && perMonth < 5) {
                fee = fee / 2;
            }
        }
        return fee;
    }
}
