package com.example.bank;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;

/** Statements of account: reading, importing, archiving. */
public class Statements {
    private static final String FOLDER = "/srv/bank/statements/";

    /** The statement of one month, as the customer asked for it. */
    public String read(String customer, String month) throws IOException {
        File file = new File(FOLDER + customer + "/" + month + ".txt");
        FileInputStream stream = new FileInputStream(file);
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }

    /** Reads the XML statement of another bank. */
    public Document fromXml(InputStream upload) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        return factory.newDocumentBuilder().parse(upload);
    }

    /** Bookings that a customer uploaded. */
    public Object bookings(InputStream upload) throws IOException, ClassNotFoundException {
        ObjectInputStream objects = new ObjectInputStream(upload);
        return objects.readObject();
    }

    /** Packs the statements of a customer into one archive. */
    public void archive(String customer) throws IOException {
        Runtime.getRuntime().exec("tar czf /srv/bank/archive/" + customer + ".tgz " + FOLDER + customer);
    }

    /** A checksum that shows whether a statement was changed. */
    public byte[] checksum(String text) throws NoSuchAlgorithmException {
        return MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Encrypts a statement for the archive. */
    public byte[] encrypt(byte[] key, byte[] text) throws Exception {
        Cipher cipher = Cipher.getInstance("DES/ECB/PKCS5Padding");
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "DES"));
        return cipher.doFinal(text);
    }

    /** The lines of a statement as one text. */
    public String text(List<String> lines) {
        String text = "";
        for (String line : lines) {
            text += line + "\n";
        }
        return text;
    }
}
